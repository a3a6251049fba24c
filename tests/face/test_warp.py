import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tk_tools.face import warp

corner = st.floats(-40, 140)
length = st.floats(12, 150)


@st.composite
def transforms(draw, turned=True):
    """A transform of a crop of 32 x 40 and the crop's size."""
    turn = draw(st.floats(-np.pi, np.pi)) if turned else 0.0
    across = draw(length) * np.array([np.cos(turn), np.sin(turn)])
    down = draw(length) * np.array([-np.sin(turn), np.cos(turn)])
    start = np.array([draw(corner), draw(corner)])
    return warp.corners_transform(np.stack([start, start + across, start + down]), width=32, height=40)


def picture(seed=0, height=96, width=120):
    """(height, width, 3) uint8 noise."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


@given(transforms())
def test_points_come_back_from_the_crop(transform):
    points = np.array([[0.0, 0.0], [31.0, 39.0], [-7.0, 300.5]])
    there = warp.invert_points(transform, points)
    np.testing.assert_allclose(warp.apply_points(transform, there), points, atol=1e-6)


def test_box_edges_become_crop_edges():
    transform = warp.box_transform(np.array([10.0, 20.0, 58.0, 116.0]), width=96, height=96)
    # half a pixel inside the box lies half a pixel of the crop inside the crop, in units of its pixels
    np.testing.assert_allclose(warp.apply_points(transform, [[9.5, 19.5], [57.5, 115.5]]), [[-0.5, -0.5], [95.5, 95.5]])
    np.testing.assert_allclose(warp.transform_corners(transform, 96, 96)[[0, 2]], [[10, 20], [58, 116]])


def test_crop_equals_a_slice_where_the_box_is_whole():
    source = picture()
    transform = warp.box_transform(np.array([30.0, 20.0, 62.0, 60.0]), width=32, height=40)
    np.testing.assert_array_equal(warp.crop(source, transform, width=32, height=40), source[20:60, 30:62])


@pytest.mark.parametrize("box", [(0, 0, 120, 96), (3.5, 2.25, 117, 93), (40, 10, 120, 80), (0, 0, 99, 96)])
def test_a_large_box_shrinks_without_a_shift(box):
    """A linear ramp stays the same ramp at any scale, so a misplaced pixel shows."""
    y, x = np.mgrid[0:96, 0:120]
    ramp = np.stack([x * 2, y * 2, x + y], axis=2).astype(np.uint8)
    transform = warp.box_transform(np.array(box, dtype=float), width=32, height=40)
    made = warp.crop(ramp, transform, width=32, height=40)
    grid = np.stack(np.meshgrid(np.arange(32), np.arange(40)), axis=2)
    expected = warp.invert_points(transform, grid)
    inner = np.s_[3:-3, 3:-3]
    assert np.abs(made[inner][..., 0] - 2 * expected[inner][..., 0]).max() <= 1.1
    assert np.abs(made[inner][..., 1] - 2 * expected[inner][..., 1]).max() <= 1.1


def test_beyond_the_border_lies_the_border_colour():
    source = picture()
    transform = warp.box_transform(np.array([-40.0, -50.0, -8.0, -10.0]), width=32, height=40)
    assert (warp.crop(source, transform, width=32, height=40, border=110) == 110).all()
    transform = warp.box_transform(np.array([-16.0, 0.0, 16.0, 40.0]), width=32, height=40)
    made = warp.crop(source, transform, width=32, height=40, border=110)
    assert (made[:, :15] == 110).all()
    np.testing.assert_array_equal(made[:, 16:], source[:40, :16])


def test_the_soft_edge_rises_from_each_border_and_is_whole_inside():
    mask = warp.feather_mask(32, 40, 0.2).astype(int)
    assert mask.shape == (40, 32)
    row = mask[20]
    assert row[0] < 20
    assert (row[8:-8] == 256).all()
    assert (np.diff(row[:8]) >= 0).all()
    np.testing.assert_array_equal(mask, mask[::-1, ::-1])
    assert (warp.feather_mask(32, 40, 0) == 256).all()

"""CPBD falls as a picture is blurred, and is looked for in whole blocks alone; its numbers are held by the goldens."""

import itertools

import cv2
import numpy as np
import pytest

from tests.models.wav2lip.talking import portrait
from tk_tools.metrics.cpbd import BLOCK, cpbd, edge_widths


def grey():
    return cv2.cvtColor(portrait(), cv2.COLOR_RGB2GRAY)


def test_the_more_blur_the_less_sharp():
    real = grey()
    sharpness = [cpbd(real)] + [cpbd(cv2.GaussianBlur(real, (0, 0), sigma)) for sigma in (0.6, 1, 1.5, 2)]
    assert all(less < more for more, less in itertools.pairwise(sharpness))
    assert 0 < sharpness[-1] < sharpness[0] < 1


@pytest.mark.parametrize(
    ("slope", "width"),
    [
        ([30, 31], 2),
        ([5, 30, 31], 3),
        ([5, 30, 31, 5], 4),
        ([5, 5, 30, 31, 5, 5], 6),
        ([3] * 9 + [30, 31] + [3] * 9, 10),
    ],
)
@pytest.mark.parametrize("falling", [False, True])
def test_the_width_of_an_edge_is_the_length_of_its_slope(slope, width, falling):
    row = 60 + np.cumsum([0] * 20 + slope + [0] * 20)
    picture = np.tile(row, (9, 1)).astype(np.uint8)
    picture[0, 3] += 9  # a picture in which no gradient has a direction of its own has no edges
    picture = 255 - picture if falling else picture
    found = edge_widths(picture)[4]
    assert found[found > 0].tolist() == [width]  # beyond 10 it is too wide for any block


def test_what_is_left_over_of_blocks_is_not_looked_at():
    noise = np.random.default_rng(0).integers(0, 256, (BLOCK, 2 * BLOCK), dtype=np.uint8)
    whole = cv2.GaussianBlur(noise, (0, 0), 1)
    wider = np.hstack([whole, np.full((BLOCK, BLOCK - 1), 128, np.uint8)])
    other = np.hstack([whole, np.full((BLOCK, BLOCK), 128, np.uint8)])
    assert cpbd(wider) == pytest.approx(cpbd(other), abs=0.02)  # the threshold of the edges is of the whole picture


def test_a_picture_without_edges_is_not_sharp_and_a_small_one_unknown():
    assert cpbd(np.full((128, 128), 90, np.uint8)) == 0
    assert cpbd(grey()[:63]) is None

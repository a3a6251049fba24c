"""What is pasted back: nothing outside, nothing where nothing changed, no hole, and no border crossed."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from skimage import data

from tk_tools.dubbing.masks import soft_mask, square_mask
from tk_tools.dubbing.paste import paste, paste_alpha
from tk_tools.face import warp
from tk_tools.face.crop import CropOptions, find_face
from tk_tools.face.layouts import find_layout
from tk_tools.files.video import read_frames

HEIGHT, WIDTH = 104, 80
ALPHA = {"lawdnet": paste_alpha(soft_mask(HEIGHT, WIDTH), 0.08), "dinet": paste_alpha(square_mask(HEIGHT, WIDTH), 0.08)}


def transform_of(x, y, scale, degrees):
    """The crop around (x, y) whose pixels cover `scale` of the picture's, turned."""
    turn = np.radians(degrees)
    across = scale * WIDTH * np.array([np.cos(turn), np.sin(turn)])
    down = scale * HEIGHT * np.array([-np.sin(turn), np.cos(turn)])
    start = np.array([x, y]) - (across + down) / 2
    return warp.corners_transform(np.stack([start, start + across, start + down]), WIDTH, HEIGHT)


def reached(picture, transform, alpha):
    """(H, W): where the picture may change, to the next pixel."""
    size = picture.shape[1::-1]
    reach = cv2.warpAffine(alpha, transform, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP) > 0
    return cv2.dilate(reach.astype(np.uint8), np.ones((3, 3))).astype(bool)


places = st.tuples(st.floats(-50, 560), st.floats(-50, 560), st.floats(0.15, 6), st.floats(-180, 180))


@settings(max_examples=30, deadline=None)
@given(places, st.sampled_from(sorted(ALPHA)), st.sampled_from(["astronaut", "cat", "coffee"]))
def test_an_unchanged_crop_changes_nothing(place, name, image):
    picture, transform = getattr(data, image if image != "cat" else "chelsea")(), transform_of(*place)
    crop = warp.crop(picture, transform, width=WIDTH, height=HEIGHT, border=0)
    before = picture.copy()
    pasted = paste(picture, crop, crop, transform, ALPHA[name])
    np.testing.assert_array_equal(picture, before)  # the source is never written into
    assert np.abs(pasted.astype(int) - picture).max() <= 1


@settings(max_examples=30, deadline=None)
@given(places, st.sampled_from(sorted(ALPHA)))
@example(place=(6.0, 0.0, 0.15625, 0.0), name="lawdnet")
def test_only_the_mask_changes_and_without_holes(place, name):
    picture, transform = data.astronaut(), transform_of(*place)
    crop = warp.crop(picture, transform, width=WIDTH, height=HEIGHT, border=0)
    made = np.full_like(crop, (10, 200, 90))
    made[np.abs(made.astype(int) - crop).max(axis=2) < 40] = (250, 20, 250)
    pasted = paste(picture, made, crop, transform, ALPHA[name])
    mask = reached(picture, transform, ALPHA[name])
    np.testing.assert_array_equal(pasted[~mask], picture[~mask])
    size = picture.shape[1::-1]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    whole = cv2.warpAffine((ALPHA[name] == 1).astype(np.float32), transform, size, flags=flags) == 1
    whole = cv2.erode(whole.astype(np.uint8), np.ones((5, 5))).astype(bool)
    colours = {(10, 200, 90), (250, 20, 250)}
    side = 2 * int(np.ceil(2 / min(place[2], 1))) + 5  # two pixels of the crop, between which colours are mixed
    flat = cv2.erode(
        cv2.warpAffine((made[:, :, 0] == 10).astype(np.uint8), transform, size, flags=flags), np.ones((side, side))
    )
    inner = whole & (flat == 1)
    assert {tuple(colour) for colour in pasted[inner]} <= colours


@pytest.mark.parametrize("scale", [0.3, 0.6, 0.95])
def test_where_the_crop_is_finer_it_is_what_the_published_code_writes(scale):
    """There each crop pixel goes into one pixel of the picture (golden `recover`); a smooth crop shows the place."""
    picture, transform = data.astronaut(), transform_of(250, 240, scale, 11)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    made = np.stack([x, y, (x + y) // 2], axis=2).astype(np.uint8) + 60
    crop = warp.crop(picture, transform, width=WIDTH, height=HEIGHT, border=0)
    alpha = np.ones((HEIGHT, WIDTH), np.float32)
    pasted = paste(picture, made, np.where(crop > 127, 0, 255).astype(np.uint8), transform, alpha).astype(int)
    inner = np.stack([x, y], axis=-1)[8:-8, 8:-8]
    column, row = np.moveaxis(np.trunc(warp.invert_points(transform, inner)).astype(int), -1, 0)
    written = made[8:-8, 8:-8].astype(int)
    # truncating moves what is written by up to a pixel of the picture
    assert np.abs(pasted[row, column] - written).max() <= np.ceil(2 / scale) + 1


def test_the_alpha_is_whole_over_what_was_hidden_and_ends_at_the_border():
    for mask in (soft_mask(HEIGHT, WIDTH), square_mask(HEIGHT, WIDTH)):
        alpha = paste_alpha(mask, 0.08)
        assert (alpha[mask < 0.99] == 1).all()
        border = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
        assert border.max() < 0.1
        hard = paste_alpha(mask, 0)
        assert set(np.unique(hard)) == {0.0, 1.0}
        assert (hard <= alpha).all()


@pytest.mark.data
@pytest.mark.skipif("TK_DATA" not in os.environ, reason="no sample media: set TK_DATA")
@pytest.mark.parametrize("name", ["lawdnet", "dinet"])
@pytest.mark.parametrize("width", [80, 320, 360])
def test_real_faces_pasted_back_unchanged_are_unchanged(name, width):
    layout = find_layout(name, width)
    mask = (soft_mask if name == "lawdnet" else square_mask)(layout.height, layout.width)
    found = 0
    for clip in sorted(Path(os.environ["TK_DATA"]).glob("video/*.mp4")):
        picture = next(iter(read_frames(clip)))
        face = find_face(picture, CropOptions(layout=name, width=width))
        if face is None:
            continue
        found += 1
        transform = layout.transform(face.corners, picture.shape[1], picture.shape[0])
        crop = layout.crop(picture, transform)
        pasted = paste(picture, crop, crop, transform, paste_alpha(mask, 0.08))
        np.testing.assert_array_equal(pasted, picture)
    assert found

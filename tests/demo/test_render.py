"""Drawn faces: the mouth opens as far as the truth says, and people differ."""

from dataclasses import replace

import numpy as np
import pytest

from tk_tools.demo.identity import MIRRORED, make_face
from tk_tools.demo.motion import make_motion
from tk_tools.demo.portrait import LANDMARKS, load_portrait
from tk_tools.demo.render import WIDEST_OPENING, Renderer, face_scale, true_opening

SIZE = 192


def make_renderer(seed):
    random = np.random.default_rng(seed)
    face = make_face(random, scale=face_scale(SIZE))
    return Renderer(face, SIZE), make_motion(random, count=50, rate=25)


def still(motion):
    """Motion that stays where its first picture is, with the eyes open."""
    values = {name: np.zeros_like(value) for name, value in vars(motion).items()}
    return replace(motion, **values | {"scale": np.ones(50), "gain": np.ones(50)})


def test_masks_lie_where_they_should():
    portrait = load_portrait()
    x, y = portrait.landmarks[30].astype(int)  # the nose
    assert portrait.skin[y, x] > 0.95
    assert portrait.person[y, x] > 0.95
    assert portrait.hair[y, x] < 0.05
    assert portrait.hair[30, 100] > 0.95
    assert portrait.person[5, 5] < 0.05


def test_mirrored_landmarks_are_a_permutation_of_pairs():
    assert sorted(MIRRORED) == list(range(68))
    assert np.array_equal(MIRRORED[MIRRORED], np.arange(68))
    assert np.abs(LANDMARKS[MIRRORED][:, 1] - LANDMARKS[:, 1]).max() < 8  # about as high on both sides


@pytest.mark.parametrize("seed", range(4))
def test_the_drawn_gap_is_the_true_one(seed):
    renderer, _ = make_renderer(seed)
    face = renderer.face
    closed, half = (face.picture.copy() for _ in range(2))
    renderer.mouth.draw(closed, opening=0.0, width=0.0)
    renderer.mouth.draw(half, opening=0.7, width=0.0)
    column = int(face.landmarks[62, 0])
    inside = np.abs(half.astype(float) - closed)[:, column - 1 : column + 2].mean(axis=(1, 2)) > 12
    rows = np.flatnonzero(inside)
    gap = true_opening(np.array(0.7)) * face.height
    mouth_rows = rows[(rows > face.landmarks[33, 1]) & (rows < face.landmarks[8, 1])]
    assert len(mouth_rows) > 0.6 * gap  # teeth and darkness; lip and chin moved, too
    assert true_opening(np.array(1.0)) == pytest.approx(WIDEST_OPENING)


def test_only_mouth_and_chin_move_with_the_mouth():
    renderer, motion = make_renderer(1)
    pose = still(motion)
    closed = renderer.draw(opening=0.0, width=0.0, motion=pose, index=0).astype(int)
    wide = renderer.draw(opening=1.0, width=0.0, motion=pose, index=0).astype(int)
    changed = np.abs(wide - closed).max(axis=2) > 8
    rows = np.flatnonzero(changed.any(axis=1))
    assert rows.min() > 0.4 * SIZE
    assert changed.sum() > 0.01 * SIZE * SIZE


def test_a_mouth_that_stands_still_is_the_same_picture():
    renderer, motion = make_renderer(2)
    pose = still(motion)
    first, again = (renderer.draw(opening=0.4, width=-0.5, motion=pose, index=index) for index in (0, 7))
    assert first.dtype == np.uint8
    assert first.shape == (SIZE, SIZE, 3)
    assert np.array_equal(first, again)


def test_eyes_shut():
    renderer, motion = make_renderer(3)
    pose = still(motion)
    shut = replace(pose, blink=np.ones(50))
    difference = np.abs(
        renderer.draw(opening=0, width=0, motion=pose, index=0).astype(int)
        - renderer.draw(opening=0, width=0, motion=shut, index=0)
    ).max(axis=2)
    rows = np.flatnonzero((difference > 15).any(axis=1))
    assert len(rows) > 2
    assert rows.min() > 0.25 * SIZE
    assert rows.max() < 0.55 * SIZE


def test_people_differ():
    pictures = [make_renderer(seed)[0].face.picture.astype(float) for seed in range(5)]
    for one in range(5):
        for other in range(one):
            assert np.abs(pictures[one] - pictures[other]).mean() > 10


def test_head_moves_smoothly():
    _, motion = make_renderer(4)
    for name in ("right", "down", "yaw"):
        curve = getattr(motion, name)
        assert np.ptp(curve) > 0.001
        assert np.abs(np.diff(curve)).max() < 0.006  # of the picture's side, from one picture to the next

"""Cuts, tracks and crops of the reference procedure."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from tk_tools.metrics.face_tracks import CutFinder, audio_cut, crop_frame, crop_path, find_tracks


def scene(level, frames, width=480):
    rng = np.random.default_rng(level)
    return [
        np.full((40, width, 3), level, np.uint8) + rng.integers(0, 5, (40, width, 3), np.uint8) for _ in range(frames)
    ]


def find_cuts(frames):
    cuts = CutFinder()
    return [number for number, frame in enumerate(frames) if cuts.is_cut(frame)]


def test_cuts_where_the_scene_changes_and_nowhere_else():
    frames = scene(20, 30) + scene(150, 30) + scene(60, 40)
    assert find_cuts(frames) == [30, 60]


def test_cuts_that_follow_too_closely_are_one():
    assert find_cuts(scene(20, 30) + scene(150, 5) + scene(60, 40)) == [30]


def moving(frame, x=100.0, size=120.0):
    return (frame, [x + frame, 50.0, x + frame + size, 50.0 + size])


def test_missed_frames_are_interpolated():
    shot = [[] if 40 <= f < 60 else [moving(f)] for f in range(140)]
    (track,) = find_tracks(shot)
    np.testing.assert_array_equal(track.frames, np.arange(140))
    assert track.boxes[50] == pytest.approx(moving(50)[1])


def test_a_long_gap_ends_a_track_and_short_tracks_are_dropped():
    shot = [[] if 120 <= f < 160 else [moving(f)] for f in range(220)]
    (track,) = find_tracks(shot)
    assert track.frames[-1] == 119


def test_small_faces_are_dropped():
    assert find_tracks([[moving(f, size=90.0)] for f in range(200)]) == []


def test_two_faces_are_two_tracks():
    tracks = find_tracks([[moving(f), moving(f, x=500.0)] for f in range(130)])
    assert sorted(float(track.boxes[0, 0]) for track in tracks) == [100.0, 500.0]


@pytest.mark.parametrize(("x", "y"), [(60.2, 70.7), (5.5, 8.1), (150.9, 118.3)])
def test_crop_is_that_of_the_padded_picture(x, y):
    frame = np.random.default_rng(1).integers(0, 255, (120, 160, 3), np.uint8)
    half = 30.4
    border = int(1.8 * half)
    padded = np.pad(frame, ((border, border), (border, border), (0, 0)), constant_values=110)
    rows = slice(int(y + border - half), int(y + border + 1.8 * half))
    columns = slice(int(x + border - 1.4 * half), int(x + border + 1.4 * half))
    expected = cv2.resize(padded[rows, columns], dsize=(224, 224))
    np.testing.assert_array_equal(crop_frame(frame, half=half, x=x, y=y), expected)


def test_path_is_a_median_with_zeros_beyond_the_ends():
    boxes = np.array([moving(f)[1] for f in range(30)])
    path = crop_path(boxes)
    assert path.x[15] == pytest.approx(boxes[15, [0, 2]].mean())
    assert path.x[0] == pytest.approx(boxes[0, [0, 2]].mean())  # six zeros, and the least of seven
    assert path.half[15] == pytest.approx(60)


def test_sound_of_a_track():
    assert audio_cut(np.arange(3, 27)) == (Fraction(3, 25), Fraction(27, 25))

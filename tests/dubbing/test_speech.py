import os
from fractions import Fraction

import numpy as np
import pytest

from tk_tools.dubbing.aligned import AlignedShot
from tk_tools.dubbing.references import draw_references
from tk_tools.dubbing.speech import Heard, hear
from tk_tools.files.feature_file import Features
from tk_tools.files.wav import write_wav


def heard(seconds: Fraction) -> Heard:
    """Rows that hold their number."""
    count = -(-seconds * 25 // 1)
    return Heard(Features(np.arange(count, dtype=np.float32)[:, None], "mel"), seconds, silent=False)


@pytest.mark.parametrize(
    ("fps", "rows"),
    [(25, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), (50, [n // 2 for n in range(20)]), (10, [0, 2, 5, 7])],
)
def test_each_picture_hears_the_row_of_its_time_and_two_on_either_side(fps, rows):
    sound = heard(Fraction(2, 5))
    windows = list(sound.windows(Fraction(fps)))
    assert len(windows) == sound.pictures(Fraction(fps)) == len(rows)
    expected = [[np.clip(row + step, 0, 9) for step in range(-2, 3)] for row in rows]
    np.testing.assert_array_equal(np.concatenate(windows), expected)


def test_pictures_last_as_long_as_the_sound():
    assert heard(Fraction(401, 1000)).pictures(Fraction(25)) == 11
    assert heard(Fraction(9, 10)).pictures(Fraction(30000, 1001)) == 27


def test_one_speech_is_listened_to_once_until_it_changes(tmp_path):
    speech = tmp_path / "a.wav"

    def listen(amplitude: float) -> Heard:
        write_wav(speech, [np.full(3200, amplitude, np.float32)], 16000)
        os.utime(speech, ns=(0, round(amplitude * 1e9)))
        return hear(speech, (), "mel", "cpu", (speech,))

    first = listen(0.1)
    assert listen(0.1) is first
    assert not np.array_equal(listen(0.2).features.values, first.features.values)


def shots(count, without=()):
    """Shots whose crop holds their number."""
    for number in range(count):
        crop = None if number in without else np.full((1, 1, 3), number, np.uint8)
        yield AlignedShot(np.zeros((2, 2, 3), np.uint8), None, crop)


def test_references_are_drawn_alike_from_all_pictures_with_a_face():
    drawn = np.array([draw_references(shots(40, without=range(10, 20)), 5, seed)[:, 0, 0, 0] for seed in range(400)])
    assert all(len(set(row)) == 5 for row in drawn.tolist())
    counts = np.bincount(drawn.ravel(), minlength=40)
    assert not counts[10:20].any()
    assert counts[[*range(10), *range(20, 40)]].min() > 30  # 67 on average
    np.testing.assert_array_equal(drawn[7], draw_references(shots(40, without=range(10, 20)), 5, 7)[:, 0, 0, 0])


def test_where_there_are_fewer_pictures_they_are_taken_again():
    assert draw_references(shots(3, without=[1]), 5, 0)[:, 0, 0, 0].tolist() == [0, 2, 0, 2, 0]

"""Which 0.2 s of sound each picture hears, at any rate and however the sound arrives."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models.wav2lip.talking import write_sound
from tk_tools.audio.mel import mel
from tk_tools.errors import InputError
from tk_tools.files.soundtrack import read_audio
from tk_tools.models.wav2lip.windows import Speech, mel_windows

RATES = [Fraction(25), Fraction(30000, 1001), Fraction(24000, 1001), Fraction(60), Fraction(15), Fraction(5)]


@given(columns=st.integers(16, 400), fps=st.sampled_from(RATES), seed=st.integers(0, 1000))
def test_blocks_of_any_size_give_the_windows_of_the_whole(columns, fps, seed):
    rng = np.random.default_rng(seed)
    spectrum = rng.standard_normal((columns, 80)).astype(np.float32)
    cuts = np.sort(rng.integers(0, columns, 5))
    given_windows = list(mel_windows(np.split(spectrum, cuts), fps))
    starts, number = [], 0
    while (start := int(number * (80 / float(fps)))) + 16 <= columns:
        starts.append(start)
        number += 1
    assert [start for start, _ in given_windows] == [*starts, columns - 16]
    for start, window in given_windows:
        assert np.array_equal(window[0], spectrum[start : start + 16].T)


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("seconds", [0.03, 0.1, 0.52, 1.337])
def test_one_window_for_each_picture_that_begins_in_the_sound(tmp_path, fps, seconds):
    path = write_sound(tmp_path / "s.wav", seconds, rate=44100)
    speech = Speech(path, fps)
    windows = list(speech)
    assert speech.seconds == Fraction(round(seconds * 44100), 44100)
    assert len(windows) == math.ceil(speech.seconds * fps)
    assert all(window.shape == (1, 80, 16) for window in windows)


def test_the_windows_are_those_of_the_sound_with_silence_behind(tmp_path):
    path = write_sound(tmp_path / "s.wav", 1.0)
    sound = np.concatenate([read_audio(path), np.zeros(4000, np.float32)])
    spectrum = mel(sound, "wav2lip")
    for number, window in enumerate(Speech(path, Fraction(25))):
        start = int(number * 3.2)
        assert np.array_equal(window[0], spectrum[start : start + 16].T)
    assert number == 24


def test_a_lead_lets_every_picture_hear_earlier_and_changes_no_length(tmp_path):
    path = write_sound(tmp_path / "s.wav", 1.37)
    plain, led = (list(Speech(path, Fraction(25), lead=lead)) for lead in (Fraction(0), Fraction(1, 5)))
    assert len(led) == len(plain)
    for early, late in zip(plain[2:], led[7:], strict=False):  # the first ones still hear the edge of the sound
        assert np.array_equal(early, late)


def test_no_sound_is_told(tmp_path):
    empty = tmp_path / "empty.wav"
    write_sound(empty, 0)
    with pytest.raises(InputError, match="sound"):
        list(Speech(empty, Fraction(25)))

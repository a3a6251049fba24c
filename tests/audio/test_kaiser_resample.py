"""The resampling of published features (its numbers: tests/golden): any rates, any pieces, the right length."""

import numpy as np
import pytest

from tk_tools.audio.kaiser_resample import kaiser_resampled


def resampled(pieces, rate, to=16000):
    return np.concatenate(list(kaiser_resampled(pieces, rate, to)))


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 32000, 44100, 48000, 96000, 192000, 44101])
def test_a_tone_keeps_its_pitch_phase_and_level(rate):
    t = np.arange(rate) / rate
    found = resampled([np.sin(2 * np.pi * 440 * t)], rate)
    assert len(found) == pytest.approx(16000, abs=1)
    expected = np.sin(2 * np.pi * 440 * np.arange(len(found)) / 16000)
    assert found[500:-500] == pytest.approx(expected[500:-500], abs=2e-3)


@pytest.mark.parametrize("rate", [22050, 44100, 48000])
def test_the_same_in_any_pieces(rate):
    wave = np.random.default_rng(0).standard_normal(3 * rate + 17)
    whole = resampled([wave], rate)
    assert len(whole) == len(wave) * 16000 // rate
    assert np.array_equal(resampled(np.split(wave, [1, 2, 700, 40000, 40001]), rate), whole)


def test_what_lies_above_the_new_band_is_gone():
    t = np.arange(48000) / 48000
    assert np.abs(resampled([np.sin(2 * np.pi * 11000 * t)], 48000)[500:-500]).max() < 1e-3


def test_very_little_sound():
    assert list(kaiser_resampled([np.ones(2)], 44100, 16000)) == []
    assert len(resampled([np.ones(3)], 44100)) == 1

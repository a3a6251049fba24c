"""MFCCs beside a plain transcription of their definition, frame by frame."""

import itertools

import numpy as np
import pytest

from tk_tools.audio.mfcc import filter_bank, frames_of, mfcc
from tk_tools.errors import InputError


def one_frame(samples: np.ndarray, frame: int) -> np.ndarray:
    signal = np.array([samples[0], *(b - 0.97 * a for a, b in itertools.pairwise(samples))])
    signal = np.pad(signal, (0, 400))[160 * frame : 160 * frame + 400]
    power = np.abs(np.fft.rfft(signal, 512)) ** 2 / 512
    logs = np.log(power @ filter_bank().T)
    n = np.arange(26)
    scale = np.sqrt(2 / 26) * np.where(np.arange(13) == 0, np.sqrt(0.5), 1)
    cepstra = [scale[k] * np.sum(logs * np.cos(np.pi * k * (2 * n + 1) / 52)) for k in range(13)]
    lifted = np.array(cepstra) * (1 + 11 * np.sin(np.pi * np.arange(13) / 22))
    lifted[0] = np.log(power.sum())
    return lifted


@pytest.mark.parametrize("samples", [399, 400, 401, 4000, 4161])
def test_first_and_last_frame(samples):
    wave = np.random.default_rng(samples).integers(-9000, 9000, samples).astype(np.int16)
    cepstra = mfcc(wave)
    assert cepstra.shape == (frames_of(samples), 13)
    for frame in (0, len(cepstra) - 1):
        assert cepstra[frame] == pytest.approx(one_frame(wave.astype(float), frame), abs=1e-9)


def test_silence_is_finite():
    row = mfcc(np.zeros(1000, np.int16))[0]
    assert row[0] == pytest.approx(-36.04, abs=0.01)
    assert np.abs(row[1:]).max() < 1e-9


def test_long_sound_is_cut_into_blocks_without_a_seam():
    wave = np.random.default_rng(0).integers(-9000, 9000, 160 * 5000).astype(np.int16)
    assert np.allclose(mfcc(wave)[4090:4100], mfcc(wave[160 * 4000 - 160 :])[91:101], atol=1e-9)


def test_empty_sound():
    with pytest.raises(InputError, match="empty"):
        mfcc(np.zeros(0, np.int16))

"""The mel front ends: the same numbers in blocks as whole, and as librosa and torchaudio's formula give them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tk_tools.audio.mel import filter_bank, mel, mel_blocks
from tk_tools.audio.mel_presets import DIFFVC, GE2E, PRESETS, STYLETTS2, WAV2LIP
from tk_tools.errors import ConfigError, InputError

EVERY = pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


@EVERY
def test_pieces_give_the_very_numbers_of_the_whole(preset):
    wave = noise(100_000)
    cuts = np.sort(np.random.default_rng(1).integers(0, len(wave), 30))
    pieces = [*np.split(wave[:50_000], cuts[cuts < 50_000]), *np.array_split(wave[50_000:], 3)]
    assert np.array_equal(np.concatenate(list(mel_blocks(pieces, preset))), mel(wave, preset))


@EVERY
@settings(max_examples=25, deadline=None)
@given(samples=st.integers(1, 6000))
def test_columns_are_told_before(preset, samples):
    if preset.columns(samples) == 0:
        return
    assert mel(noise(samples), preset).shape == (preset.columns(samples), preset.n_mels)


def test_blocks_come_before_the_end():
    given = []

    def pieces():
        for _ in range(20):
            given.append(16000)
            yield noise(16000)

    next(mel_blocks(pieces(), WAV2LIP))
    assert len(given) < 6


def test_resampling_in_pieces_is_the_same():
    wave = noise(120_000)
    whole = mel(wave, WAV2LIP, sample_rate=44100)
    assert np.array_equal(np.concatenate(list(mel_blocks([wave], WAV2LIP, sample_rate=44100))), whole)
    assert len(whole) == WAV2LIP.columns(round(120_000 * 16000 / 44100))


@pytest.mark.parametrize("preset", [WAV2LIP, DIFFVC, GE2E], ids=lambda p: p.name)
def test_filters_are_librosas(preset):
    librosa = pytest.importorskip("librosa")
    theirs = librosa.filters.mel(
        sr=preset.filter_rate, n_fft=preset.n_fft, n_mels=preset.n_mels, fmin=preset.fmin, fmax=preset.fmax
    )
    assert np.abs(filter_bank(preset) - theirs).max() < 1e-6 * theirs.max()


def test_styletts2_is_the_formula_of_torchaudio():
    librosa = pytest.importorskip("librosa")
    wave = noise(30_000)
    power = np.abs(librosa.stft(wave, n_fft=2048, hop_length=300, win_length=1200, pad_mode="reflect")) ** 2
    filters = librosa.filters.mel(sr=16000, n_fft=2048, n_mels=80, fmin=0, fmax=8000, htk=True, norm=None)
    theirs = (np.log(1e-5 + filters @ power) + 4) / 4
    assert np.abs(mel(wave, STYLETTS2).T - theirs).max() < 1e-4


def test_digital_silence_is_the_floor():
    assert (mel(np.zeros(16000, np.int16), WAV2LIP) == -4).all()


def test_int16_is_scaled_to_one():
    wave = (noise(8000) * 32767).astype(np.int16)
    assert np.array_equal(mel(wave, WAV2LIP), mel(wave / np.float32(32768), WAV2LIP))


def test_faults_are_named():
    wave = noise(32000)
    wave[20_000] = np.nan
    with pytest.raises(InputError, match="sample 20000"):
        list(mel_blocks(np.split(wave, 4), WAV2LIP))
    with pytest.raises(InputError, match="empty"):
        mel(np.zeros(0, np.float32), WAV2LIP)
    with pytest.raises(ConfigError, match="wav2lip"):
        mel(wave, "wav2lips")

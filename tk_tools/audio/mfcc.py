"""Waveform -> MFCC as python_speech_features 0.6 computes it: what SyncNet v2 and DeepSpeech listen to.

Vectorised over frames. Its habits: int16 values as they are, a rectangular window, filter edges rounded to FFT bins.
"""

from __future__ import annotations

import functools

import numpy as np
from scipy import fft

from tk_tools.errors import InputError

SAMPLE_RATE = 16000  # Hz
FRAME = 400  # samples, 25 ms
HOP = 160  # samples, 10 ms: 100 columns a second
N_FFT = 512
FILTERS = 26
PRE_EMPHASIS = 0.97
LIFTER = 22
_FRAMES_PER_BLOCK = 4096  # bounds the memory of long recordings


def frames_of(samples: int) -> int:
    """How many MFCC frames a waveform of `samples` samples gives; the tail is filled up with zeros."""
    return 1 if samples <= FRAME else 1 + -(-(samples - FRAME) // HOP)


def mfcc(samples: np.ndarray, coefficients: int = 13) -> np.ndarray:
    """MFCCs of a waveform at 16 kHz.

    Args: samples (n,) int16 values (a float array is taken as such values, not as -1..1); coefficients, at most 26.
    Returns (frames, coefficients) float64, 100 frames a second; coefficient 0 is the log of the frame's total power.
    Raises InputError for an empty waveform.
    """
    if len(samples) == 0:
        raise InputError("the sound is empty")
    signal = np.asarray(samples, dtype=np.float64)
    signal = np.concatenate([signal[:1], signal[1:] - PRE_EMPHASIS * signal[:-1]])
    count = frames_of(len(signal))
    signal = np.pad(signal, (0, max(0, (count - 1) * HOP + FRAME - len(signal))))
    frames = np.lib.stride_tricks.sliding_window_view(signal, FRAME)[::HOP][:count]
    blocks = range(0, count, _FRAMES_PER_BLOCK)
    return np.concatenate([_cepstra(frames[start : start + _FRAMES_PER_BLOCK], coefficients) for start in blocks])


def _cepstra(frames: np.ndarray, coefficients: int) -> np.ndarray:
    spectrum = fft.rfft(frames, n=N_FFT, axis=1)
    power = (np.square(spectrum.real) + np.square(spectrum.imag)) / N_FFT
    energy = _no_zeros(power.sum(axis=1))
    bands = np.log(_no_zeros(power @ filter_bank().T))
    cepstra = fft.dct(bands, type=2, axis=1, norm="ortho")[:, :coefficients]
    cepstra *= 1 + LIFTER / 2 * np.sin(np.pi * np.arange(coefficients) / LIFTER)
    cepstra[:, 0] = np.log(energy)
    return cepstra


def _no_zeros(values: np.ndarray) -> np.ndarray:
    return np.where(values == 0, np.finfo(np.float64).eps, values)


@functools.cache
def filter_bank() -> np.ndarray:
    """(26, 257) float64: triangles between 0 and 8000 Hz on the HTK mel scale, their edges floored to bins."""
    top = 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700)
    hertz = 700 * (10 ** (np.linspace(0, top, FILTERS + 2) / 2595) - 1)
    edges = np.floor((N_FFT + 1) * hertz / SAMPLE_RATE)[:, None]
    bins = np.arange(N_FFT // 2 + 1)
    low, peak, high = edges[:-2], edges[1:-1], edges[2:]
    rising = np.where((bins >= low) & (bins < peak), (bins - low) / (peak - low), 0)
    falling = np.where((bins >= peak) & (bins < high), (high - bins) / (high - peak), 0)
    return rising + falling

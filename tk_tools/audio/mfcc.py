"""Waveform -> MFCC as python_speech_features 0.6 computes it: what SyncNet v2 and DeepSpeech listen to.

Vectorised over frames. Its habits: int16 values as they are, a rectangular window, filter edges rounded to FFT bins.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator

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
    return np.concatenate(list(mfcc_blocks([samples], coefficients)))


def mfcc_blocks(pieces: Iterable[np.ndarray], coefficients: int = 13) -> Iterator[np.ndarray]:
    """`mfcc` of a waveform that comes in pieces of any size: (frames, coefficients) blocks, once known.

    Their concatenation equals `mfcc` of the joined pieces bit for bit, however it is cut.
    """
    span, step = (_FRAMES_PER_BLOCK - 1) * HOP + FRAME, _FRAMES_PER_BLOCK * HOP
    held, size, given = [], 0, 0
    for piece in _emphasised(pieces):
        held.append(piece)
        size += len(piece)
        # what lies beyond the last block's end is needed too: it tells that there is another frame
        if size > span:
            signal, start = np.concatenate(held), 0
            while len(signal) - start > span:
                yield _cepstra(_frames(signal[start : start + span]), coefficients)
                start, given = start + step, given + step
            held, size = [signal[start:]], len(signal) - start
    if not size:
        raise InputError("the sound is empty")
    count = frames_of(given + size) - given // HOP
    signal = np.concatenate(held)
    signal = np.pad(signal, (0, max(0, (count - 1) * HOP + FRAME - size)))
    for start in range(0, count, _FRAMES_PER_BLOCK):
        yield _cepstra(_frames(signal)[start : min(count, start + _FRAMES_PER_BLOCK)], coefficients)


def _emphasised(pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    last: np.ndarray | None = None
    for piece in pieces:
        if not len(piece):
            continue
        signal = np.asarray(piece, dtype=np.float64)
        before = np.concatenate([[0.0] if last is None else last, signal[:-1]])
        last = signal[-1:]
        yield signal - PRE_EMPHASIS * before


def _frames(signal: np.ndarray) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(signal, FRAME)[::HOP]


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

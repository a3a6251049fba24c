"""Waveform -> the features of DeepSpeech2: its scores before the softmax, every second of 50 steps a second.

The spectrogram is normalised over the whole of a recording, and the LSTMs run over it both ways: the numbers depend on
all of it. Source: SeanNaren/deepspeech.pytorch (loader/data_loader.py), iPaw-AI-LAB/LawDNet_2024.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from scipy import fft

from tk_tools.audio.feature_model import FeatureModel
from tk_tools.nets.deepspeech2 import LETTERS, DeepSpeech2, sized_as
from tk_tools.weights.load import load_state_dict, load_strictly

N_FFT = 320  # samples, 20 ms; a periodic Hamming window of that size
HOP = 160  # samples, 10 ms
_COLUMNS = 4096  # of a block
_LEAST_DEVIATION = 1e-5  # digital silence has none, and the original divides by it


class DeepSpeech2Features(FeatureModel):
    """The model "deepspeech2" (FeatureModel)."""

    name = "deepspeech2"
    channels = LETTERS

    def __init__(self, network: DeepSpeech2):
        self._network = network

    def _rows(self, pieces: Iterator[np.ndarray]) -> np.ndarray:
        columns = np.concatenate(list(spectrogram_blocks(centred(pieces))))
        spectrogram = torch.from_numpy(normalised(columns)).T
        with torch.inference_mode():
            return self._network(spectrogram.to(self._network.fc[0].module[1].weight.device), every=2).cpu().numpy()


def load_deepspeech2(weights: Path, device: str) -> DeepSpeech2Features:
    """The model from a checkpoint of deepspeech.pytorch. WeightsError: not its weights, or damaged."""
    state = load_state_dict(weights)
    return DeepSpeech2Features(load_strictly(sized_as(state), state, weights, "DeepSpeech2").eval().to(device))


def centred(pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """A waveform in pieces (n,) with half a window of zeros at both ends, so that column i is about sample 160 i.

    librosa before 0.10, when the weights were trained, reflected the sound there: its first and last columns differ.
    """
    yield np.zeros(N_FFT // 2, np.float32)
    yield from pieces
    yield np.zeros(N_FFT // 2, np.float32)


def spectrogram_blocks(pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """log(1 + |STFT|) of a waveform at 16 kHz in pieces (n,) float in [-1, 1], in blocks (columns, 161) float32.

    Column i is of samples 160 i to 160 i + 319. Bit for bit the same however the waveform is cut.
    """
    span, step = (_COLUMNS - 1) * HOP + N_FFT, _COLUMNS * HOP
    held, size = [], 0
    for piece in pieces:
        held.append(np.asarray(piece, np.float32))
        size += len(piece)
        if size >= span:
            samples, start = np.concatenate(held), 0
            while len(samples) - start >= span:
                yield _columns(samples[start : start + span])
                start += step
            held, size = [samples[start:]], len(samples) - start
    if size >= N_FFT:
        yield _columns(np.concatenate(held))


def normalised(columns: np.ndarray) -> np.ndarray:
    """(columns, 161) float32 less their mean, over their (sample) deviation; silence becomes zeros."""
    mean = columns.mean(dtype=np.float64)
    blocks = (columns[start : start + _COLUMNS] for start in range(0, len(columns), _COLUMNS))
    squares = sum(np.square(block - mean).sum() for block in blocks)
    deviation = max(np.sqrt(squares / (columns.size - 1)), _LEAST_DEVIATION)
    result = columns - np.float32(mean)
    result /= np.float32(deviation)
    return result


def _columns(samples: np.ndarray) -> np.ndarray:
    window = (0.54 - 0.46 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, N_FFT)[::HOP]
    return np.log1p(np.abs(fft.rfft(frames * window, axis=1)))

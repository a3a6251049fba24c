"""Waveform -> the features of DeepSpeech 0.1.0: the network's logits, every second of 50 steps a second.

MFCCs of every second frame, in windows of 19 with zeros outside, whitened by the mean and deviation of all windows of a
recording: the numbers depend on the whole of it. Source: iPaw-AI-LAB/LawDNet_2024 and MRzzm/DINet
(utils/deep_speech.py), after osmr's deepspeech_features.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from tk_tools.audio.feature_model import FeatureModel
from tk_tools.audio.mfcc import mfcc_blocks
from tk_tools.nets.deepspeech import CEPSTRA, CONTEXT, LETTERS, DeepSpeech, from_graph
from tk_tools.weights.load import load_state_dict, load_strictly

_LEAST_DEVIATION = 1e-6  # that of silence is none


class DeepSpeechFeatures(FeatureModel):
    """The model "deepspeech" (FeatureModel)."""

    name = "deepspeech"
    channels = LETTERS

    def __init__(self, network: DeepSpeech):
        self._network = network

    def _rows(self, pieces: Iterator[np.ndarray]) -> np.ndarray:
        frames = whitened(cepstra(as_pcm(piece) for piece in pieces))
        windows = torch.from_numpy(frames.astype(np.float32)).unfold(0, 2 * CONTEXT + 1, 1).transpose(1, 2)
        with torch.inference_mode():
            return self._network(windows.to(self._network.dense1.weight.device), every=2).cpu().numpy()


def load_deepspeech(weights: Path, device: str) -> DeepSpeechFeatures:
    """The model with the weights of the published graph: output_graph.pb, or what `tk-weights convert` makes of it.

    WeightsError: not its weights, or damaged.
    """
    tensors = load_state_dict(weights)
    state = from_graph(tensors) or tensors  # what is no graph is told as what it is
    recurrent = state.get("lstm.weight_hh_l0")
    network = DeepSpeech(hidden=1 if recurrent is None else recurrent.shape[1])
    return DeepSpeechFeatures(load_strictly(network, state, weights, "DeepSpeech 0.1.0").eval().to(device))


def as_pcm(samples: np.ndarray) -> np.ndarray:
    """(n,) float in [-1, 1] as int16, cut towards zero as the original cuts."""
    return np.clip(np.trunc(samples * 32768.0), -32768, 32767).astype(np.int16)


def cepstra(pieces: Iterable[np.ndarray]) -> np.ndarray:
    """(steps, 26) float64, 50 a second, of a waveform at 16 kHz in pieces (n,) int16. InputError: it is empty."""
    blocks, place = [], 0
    for block in mfcc_blocks(pieces, CEPSTRA):
        blocks.append(block[place % 2 :: 2])
        place += len(block)
    return np.concatenate(blocks)


def whitened(frames: np.ndarray) -> np.ndarray:
    """(steps, 26) -> (steps + 18, 26): with zeros at both ends, less the mean of all windows of 19, over their
    deviation. Window i is what step i sees: rows i to i + 18."""
    frames = np.pad(frames, ((CONTEXT, CONTEXT), (0, 0)))
    steps, places = len(frames) - 2 * CONTEXT, np.arange(len(frames))
    seen = np.minimum(places, steps - 1) - np.maximum(places - 2 * CONTEXT, 0) + 1  # in how many windows each row is
    total = steps * (2 * CONTEXT + 1) * CEPSTRA
    mean = seen @ frames.sum(axis=1) / total
    deviation = np.sqrt(seen @ np.square(frames - mean).sum(axis=1) / total)
    return (frames - mean) / max(deviation, _LEAST_DEVIATION)

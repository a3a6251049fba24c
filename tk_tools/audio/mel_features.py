"""Waveform -> log mel features, which need no weights.

They know the voice and the loudness as well as what is said, so that a model trained on them serves few speakers. They
are there for trying things out: small presets, the demo, tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from tk_tools.audio.feature_model import FRAME_SAMPLES, SAMPLE_RATE, FeatureModel
from tk_tools.audio.mel import mel_blocks
from tk_tools.audio.mel_presets import MelPreset

_STEPS = 2  # of a frame
_HOP = FRAME_SAMPLES // _STEPS
_MEL = MelPreset(
    name="features",
    summary="40 bands, 50 columns a second, natural log",
    sample_rate=SAMPLE_RATE, n_fft=2 * _HOP, win_length=2 * _HOP, hop_length=_HOP,
    padding=_HOP // 2,  # column i is about the middle of its 20 ms
    pad_mode="constant", whole_hops=False, pre_emphasis=0.0, spectrum="magnitude", spectrum_floor=0.0,
    n_mels=40, fmin=55.0, fmax=7600.0, filter_rate=SAMPLE_RATE, mel_scale="slaney", area_normalised=True,
    compression="log",
)  # fmt: skip
_MIDDLE, _SPREAD = -5.25, 6.25  # log of 1e-5, silence: -11.5; the loudest speech: about 1


class MelFeatures(FeatureModel):
    """The model "mel" (FeatureModel): the two columns of a frame side by side, about -1 (silence) to 1 (loud)."""

    name = "mel"
    channels = _STEPS * _MEL.n_mels

    def _rows(self, pieces: Iterator[np.ndarray]) -> np.ndarray:
        columns = np.concatenate(list(mel_blocks(_whole_frames(pieces), _MEL)))
        return ((columns - _MIDDLE) / _SPREAD).reshape(-1, self.channels)


def _whole_frames(pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The pieces, and zeros up to the end of the last frame."""
    count = 0
    for piece in pieces:
        count += len(piece)
        yield piece
    yield np.zeros(-count % FRAME_SAMPLES, np.float32)

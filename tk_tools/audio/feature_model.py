"""What every model of features has in common: sound at 16 kHz in, one row for each video frame out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator

import numpy as np

from tk_tools.errors import InputError
from tk_tools.files.rates import FRAME_RATE

SAMPLE_RATE = 16000  # Hz
FRAME_SAMPLES = SAMPLE_RATE // FRAME_RATE  # of one video frame


class FeatureModel(ABC):
    """A recogniser, ready to listen. name: as tk-feat --model; channels: numbers in a row."""

    name: str
    channels: int

    @abstractmethod
    def _rows(self, pieces: Iterator[np.ndarray]) -> np.ndarray:
        """Rows (n, channels) at 25/s of a waveform in pieces, as many as the model gives, at least one."""

    def features(self, samples: np.ndarray, frames: int | None = None) -> np.ndarray:
        """Features of a waveform (L,) float in [-1, 1] at 16 kHz: (N, channels) float32, N = frames or ceil(L / 640).

        Row i belongs to the samples from 640 i to 640 (i + 1) - 1. Sound beyond the frames is not heard; where it ends
        before them, the last row is repeated. Silence gives finite numbers. InputError: empty, or samples that are no
        numbers.
        """
        return self.features_of([samples], frames)

    def features_of(self, pieces: Iterable[np.ndarray], frames: int | None = None) -> np.ndarray:
        """`features` of a waveform that comes in pieces (n,), which need not fit into memory."""
        sound = _Sound(pieces, None if frames is None else frames * FRAME_SAMPLES)
        rows = self._rows(iter(sound))
        count = -(-sound.samples // FRAME_SAMPLES) if frames is None else frames
        rows = rows[:count]
        return np.pad(rows, ((0, count - len(rows)), (0, 0)), mode="edge").astype(np.float32, copy=False)


class _Sound:
    """Pieces up to a number of samples, checked and counted while they go by."""

    def __init__(self, pieces: Iterable[np.ndarray], most: int | None):
        self._pieces, self._most = pieces, most
        self.samples = 0

    def __iter__(self) -> Iterator[np.ndarray]:
        for piece in self._pieces:
            piece = piece if self._most is None else piece[: self._most - self.samples]
            if not np.isfinite(piece).all():
                raise InputError("the sound has samples that are no numbers")
            self.samples += len(piece)
            if len(piece):
                yield piece
            if self.samples == self._most:
                break
        if not self.samples:
            raise InputError("the sound is empty")

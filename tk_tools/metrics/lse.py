"""LSE-D, LSE-C and the offset: how far apart mouth and sound are at each shift, and at which shift they are nearest.

Blocks of embeddings stream through; only the last few are held, so a clip may be of any length.
Source: joonson/syncnet_python and Rudrabha/Wav2Lip evaluation/scores_LSE (calc_pdist).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

MAX_SHIFT = 15  # frames, to both sides
PAIR_EPSILON = 1e-6  # torch's pairwise_distance adds it to each difference
CONFIDENCE_FILTER = 9  # frames
LEAST_SHARE = 1 / 3  # of the windows must have a partner at a shift: the mean of a few is low by chance


def least_windows(max_shift: int) -> int:
    """How many windows a clip must have, so that each shift has partners for LEAST_SHARE of them: 23 for 15 frames."""
    return math.ceil(max_shift / (1 - LEAST_SHARE))


@dataclass(frozen=True)
class SyncResult:
    """The numbers of one clip.

    curve (2 S + 1,): mean distance at each shift; entry k pairs the mouth of window v with the sound of
    window v + k - S.
    distances (windows, 2 S + 1): the same before the mean, NaN where there is no sound to compare with.
    """

    curve: np.ndarray
    distances: np.ndarray

    @property
    def windows(self) -> int:
        """How many windows of five frames were compared."""
        return len(self.distances)

    @property
    def lse_d(self) -> float:
        """The least mean distance: lower is better."""
        return float(np.nanmin(self.curve))

    @property
    def lse_c(self) -> float:
        """The median less the least of the mean distances: higher is better."""
        return float(np.nanmedian(self.curve) - np.nanmin(self.curve))

    @property
    def offset(self) -> int:
        """Frames of 40 ms; positive when the matching sound lies earlier than the picture."""
        return len(self.curve) // 2 - int(np.nanargmin(self.curve))

    def framewise_confidence(self) -> np.ndarray:
        """(windows,): how much nearer than the median each window is at the clip's offset; median filter of 9."""
        from scipy.signal import medfilt

        at_offset = self.distances[:, int(np.nanargmin(self.curve))]
        return medfilt(np.nan_to_num(np.nanmedian(self.curve) - at_offset), kernel_size=CONFIDENCE_FILTER)


class SyncMeter:
    """Takes mouth and sound embeddings block by block, and gives the distances at each shift.

    zeros_beyond_ends=True compares with zero vectors where the sound is over, as the published procedure
    does (so short clips cannot be set against long ones); False leaves such pairs out.
    """

    def __init__(self, max_shift: int = MAX_SHIFT, zeros_beyond_ends: bool = True):
        self.max_shift = max_shift
        self.zeros_beyond_ends = zeros_beyond_ends
        self._lips: np.ndarray | None = None  # windows not yet compared
        self._audio: np.ndarray | None = None  # from `max_shift` windows before the first of them
        self._rows: list[np.ndarray] = []

    def add(self, lips: np.ndarray, audio: np.ndarray) -> None:
        """Embeddings (n, E) of the next n windows of mouth and of sound, any n."""
        lips, audio = np.asarray(lips, dtype=np.float32), np.asarray(audio, dtype=np.float32)
        if self._lips is None:
            self._lips, self._audio = lips[:0], self._padding(audio.shape[1])
        self._lips = np.concatenate([self._lips, lips])
        self._audio = np.concatenate([self._audio, audio])
        self._compare(len(self._audio) - 2 * self.max_shift)

    def result(self) -> SyncResult:
        """The numbers of all that was added; call it once, at the end. ValueError: nothing was added."""
        if self._lips is None or not len(self._lips) + len(self._rows):
            raise ValueError("no window of mouth and sound to compare")
        self._audio = np.concatenate([self._audio, self._padding(self._audio.shape[1])])
        self._compare(len(self._lips))
        distances = np.concatenate(self._rows)
        with np.errstate(invalid="ignore"):
            measured = np.isfinite(distances)
            counts = measured.sum(axis=0)
            curve = np.where(measured, distances, 0.0).sum(axis=0, dtype=np.float64) / counts
        curve[counts < LEAST_SHARE * counts.max()] = np.nan
        return SyncResult(curve=curve.astype(np.float32), distances=distances)

    def _padding(self, width: int) -> np.ndarray:
        value = 0.0 if self.zeros_beyond_ends else np.nan
        return np.full((self.max_shift, width), value, dtype=np.float32)

    def _compare(self, count: int) -> None:
        """Compare the first `count` waiting windows, whose whole surroundings are there."""
        count = min(count, len(self._lips))
        if count <= 0:
            return
        lips = self._lips[:count]
        block = np.empty((count, 2 * self.max_shift + 1), dtype=np.float32)
        for shift in range(block.shape[1]):  # a difference of the size of `lips` at a time
            block[:, shift] = np.linalg.norm(lips - self._audio[shift : shift + count] + PAIR_EPSILON, axis=1)
        self._rows.append(block)
        self._lips, self._audio = self._lips[count:], self._audio[count:]


def measure_sync(lips: np.ndarray, audio: np.ndarray, max_shift: int = MAX_SHIFT) -> SyncResult:
    """The published measure of whole clips: mouth and sound embeddings (N, E) of the same N windows."""
    meter = SyncMeter(max_shift=max_shift)
    meter.add(lips, audio)
    return meter.result()

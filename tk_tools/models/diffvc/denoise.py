"""Spectral subtraction on log-mels, which takes the vocoder's steady noise out of converted speech.

Source: huawei-noah/Speech-Backbones, DiffVC/inference.ipynb.
"""

from __future__ import annotations

import numpy as np

QUIET_FRAMES = 5
FLOOR = 0.02  # of the noise, what is left at least


def subtract_noise(mel: np.ndarray, quiet: np.ndarray | None = None, smoothing: int | None = 1) -> np.ndarray:
    """A log-mel (T, 80) less the noise of its frames where `quiet` (T', 80), itself by default, has least energy.

    smoothing: bands to both sides that the noise's median is taken over, None for none. The first T' frames alone are
    treated. Returns (T, 80) float32.
    """
    quiet = mel if quiet is None else quiet
    energy = np.exp(2.0 * mel)
    sums = np.convolve(np.exp(2.0 * quiet).sum(axis=1), np.ones(QUIET_FRAMES), mode="valid")[:-1]
    start = int(sums.argmin()) if len(sums) else 0
    noise = energy[start : start + QUIET_FRAMES].min(axis=0)
    if smoothing is not None:
        noise = smooth(noise, smoothing)
    cleaned = energy.copy()
    cleaned[: len(quiet)] = np.maximum(energy[: len(quiet)] - noise, FLOOR * noise)
    return (0.5 * np.log(cleaned)).astype(np.float32)


def smooth(noise: np.ndarray, width: int) -> np.ndarray:
    """Each band's noise (80,): the median of `width` bands to both sides, or that of the next band where it is less.

    The next band, and not the band itself, is what the original compares with.
    """
    padded = np.pad(noise, width, mode="edge")
    medians = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * width + 1), axis=1)
    return np.minimum(padded[width + 1 : width + 1 + len(noise)], medians)

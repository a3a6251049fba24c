"""Integrated loudness after ITU-R BS.1770-4 (LUFS), by pyloudnorm."""

from __future__ import annotations

import math

import numpy as np

from tk_tools.errors import InputError

BLOCK = 0.4  # seconds


def loudness(samples: np.ndarray, rate: int) -> float:
    """LUFS of a waveform (n,) float in [-1, 1] at `rate` Hz. InputError: shorter than 0.4 s, or below -70 LUFS."""
    import pyloudnorm

    if len(samples) < BLOCK * rate:
        raise InputError(f"shorter than {BLOCK} s")
    with np.errstate(divide="ignore"):
        level = float(pyloudnorm.Meter(rate, block_size=BLOCK).integrated_loudness(np.asarray(samples, np.float64)))
    if not math.isfinite(level):
        raise InputError("too quiet to have a loudness")
    return level

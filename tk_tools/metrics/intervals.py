"""How sure a mean is: bootstrap intervals over clips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

RESAMPLES = 9999
_BLOCK = 1 << 20  # numbers drawn at a time: scipy.stats.bootstrap gives the same interval in three times the time


class Mean(NamedTuple):
    """The mean of `count` values; low and high: its 95 % interval, None for fewer than two values."""

    value: float
    low: float | None
    high: float | None
    count: int


def mean_with_interval(values: Sequence[float], seed: int = 0) -> Mean:
    """Mean and its 95 % interval by the percentiles of bootstrap resamples; ValueError without a value.

    The same values and seed give the same interval.
    """
    if not len(values):
        raise ValueError("no values")
    data = np.asarray(values, dtype=np.float64)
    if len(data) < 2:
        return Mean(float(data[0]), None, None, 1)
    rng = np.random.default_rng(seed)
    at_a_time = max(1, _BLOCK // len(data))
    means = [
        data[rng.integers(0, len(data), (min(at_a_time, RESAMPLES - start), len(data)))].mean(axis=1)
        for start in range(0, RESAMPLES, at_a_time)
    ]
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return Mean(float(data.mean()), float(low), float(high), len(data))

"""How sure a mean is: bootstrap intervals over clips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

RESAMPLES = 9999
_BLOCK = 1 << 18  # numbers drawn at a time


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
    return means_with_intervals(np.asarray(values, dtype=np.float64)[:, None], seed)[0]


def means_with_intervals(table: np.ndarray, seed: int = 0) -> list[Mean]:
    """mean_with_interval of each column of (values, columns), for little more than the cost of one.

    Every column meets the same resamples; they are counted, so that a product of matrices gives all means.
    """
    count, columns = table.shape
    if not count:
        raise ValueError("no values")
    if count < 2:
        return [Mean(float(value), None, None, 1) for value in table[0]]
    shifted = table - table[0]  # of equal values exactly zero, whatever their sum
    means = shifted.mean(axis=0) + table[0]
    rng = np.random.default_rng(seed)
    at_a_time = max(1, _BLOCK // count)
    drawn = np.empty((RESAMPLES, columns))
    for start in range(0, RESAMPLES, at_a_time):
        rows = min(at_a_time, RESAMPLES - start)
        picked = rng.integers(0, count, (rows, count)) + count * np.arange(rows)[:, None]
        times = np.bincount(picked.ravel(), minlength=rows * count).reshape(rows, count)
        drawn[start : start + rows] = times.astype(np.float64) @ shifted / count
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0) + table[0]
    return [Mean(*map(float, found), count) for found in zip(means, low, high, strict=True)]

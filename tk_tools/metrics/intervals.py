"""How sure a mean is: bootstrap intervals over clips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

RESAMPLES = 9999


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
    from scipy.stats import bootstrap

    drawn = bootstrap(
        (data,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(seed), batch=1000
    ).confidence_interval
    return Mean(float(data.mean()), float(drawn.low), float(drawn.high), len(data))

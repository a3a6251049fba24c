"""How late one recording of some speech is against another: where their cross-correlation peaks."""

from __future__ import annotations

import numpy as np

MOST_LAG = 0.5  # seconds


def find_lag(made: np.ndarray, reference: np.ndarray, rate: int) -> int:
    """How many samples `made` (n,) is later than `reference` (m,), at most 0.5 s; negative: earlier. rate in Hz."""
    from scipy.signal import correlate, correlation_lags

    lags = correlation_lags(len(made), len(reference), mode="full")
    products = correlate(made.astype(np.float64), reference.astype(np.float64), mode="full", method="fft")
    near = np.abs(lags) <= MOST_LAG * rate
    return int(lags[near][products[near].argmax()])

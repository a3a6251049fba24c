"""Whether two systems differ on the same clips: a paired permutation test, and Holm's correction over several.

Under the hypothesis that the systems are alike, the sign of each clip's difference is a matter of chance; the test asks
how often random signs give a mean at least as far from zero (Fisher 1935; Pitman 1937). It assumes no distribution.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RESAMPLES = 9999
MOST_EXACT = 16  # pairs: of up to so many all sign patterns are tried
_BLOCK = 1 << 23  # signs in memory at a time
_TIE = 1e-12  # relative: sums of the same numbers in another order are equal


def sign_flip_test(differences: Sequence[float], seed: int = 0) -> float:
    """The two-sided p-value of the mean of paired differences; ValueError without one.

    Exact for up to MOST_EXACT pairs; else from RESAMPLES random sign patterns, and never 0. The same differences and
    seed give the same value.
    """
    if not len(differences):
        raise ValueError("no pairs")
    data = np.asarray(differences, dtype=np.float64)
    reached = abs(data.sum()) * (1 - _TIE)
    if len(data) <= MOST_EXACT:
        patterns = np.arange(1 << (len(data) - 1), dtype=np.uint32)  # a pattern and its opposite are as far from zero
        signs = 1.0 - 2.0 * (patterns[:, None] >> np.arange(len(data)) & 1)
        return float((np.abs(signs @ data) >= reached).mean())
    rng = np.random.default_rng(seed)
    at_a_time = max(1, _BLOCK // len(data))
    count = 0
    for start in range(0, RESAMPLES, at_a_time):
        rows = min(at_a_time, RESAMPLES - start)
        bits = np.unpackbits(np.frombuffer(rng.bytes(rows * (len(data) // 8 + 1)), np.uint8).reshape(rows, -1), axis=1)
        sums = data.sum() - 2.0 * (bits[:, : len(data)].astype(np.float64) @ data)
        count += int((np.abs(sums) >= reached).sum())
    return (count + 1) / (RESAMPLES + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for being several (Holm 1979), in their order: at 0.05, one false find in twenty families."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected

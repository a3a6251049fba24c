"""How alike the voices of many recordings are: cosines of their embeddings, and how well those tell speakers apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Spread(NamedTuple):
    """Cosines of `pairs` pairs of recordings."""

    mean: float
    lowest: float
    highest: float
    pairs: int


class Verification(NamedTuple):
    """Cosines of pairs of one voice and of two. eer: the equal error rate, 0 to 0.5 where they are told at all, at
    which as many pairs of two voices pass `threshold` as pairs of one fail it."""

    same: Spread
    different: Spread
    eer: float
    threshold: float


def cosine_similarities(embeds: np.ndarray) -> np.ndarray:
    """(n, n) float32 of embeddings (n, 256) of unit length."""
    return np.clip(embeds @ embeds.T, -1, 1)


def verify(cosines: np.ndarray, speakers: Sequence[object]) -> Verification | None:
    """What cosines (n, n) tell of recordings whose speakers are known, each pair counted once.

    None when there is no pair of one voice, or none of two.
    """
    number = np.unique(np.array([str(speaker) for speaker in speakers]), return_inverse=True)[1]
    upper = np.triu_indices(len(number), k=1)
    values, alike = cosines[upper], number[upper[0]] == number[upper[1]]
    same, different = values[alike], values[~alike]
    if not len(same) or not len(different):
        return None
    return Verification(_spread(same), _spread(different), *equal_error_rate(same, different))


def equal_error_rate(same: np.ndarray, different: np.ndarray) -> tuple[float, float]:
    """The equal error rate of scores of pairs of one voice (n,) and of two (m,), and the score where it lies.

    A pair passes with the score of the threshold or a higher one; between two thresholds the rates are taken on the
    straight line, as is usual for the ROC.
    """
    thresholds = np.unique(np.concatenate([same, different]))
    missed = np.searchsorted(np.sort(same), thresholds, side="left") / len(same)
    passed = 1 - np.searchsorted(np.sort(different), thresholds, side="left") / len(different)
    thresholds = np.append(thresholds, np.inf)
    gap = np.append(missed, 1.0) - np.append(passed, 0.0)  # rises from -1 to 1
    after = int(np.argmax(gap >= 0))
    share = gap[after] / (gap[after] - gap[after - 1])  # of the way back to the threshold before
    rate = (1 - share) * np.append(missed, 1.0)[after] + share * missed[after - 1]
    return float(rate), float(thresholds[after] if np.isfinite(thresholds[after]) else thresholds[after - 1])


def _spread(values: np.ndarray) -> Spread:
    return Spread(float(values.mean(dtype=np.float64)), float(values.min()), float(values.max()), len(values))

"""The numbers of a report: each measure's mean, interval and distribution, and how two systems differ."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from tk_tools.metrics.intervals import Mean, means_with_intervals
from tk_tools.metrics.measures import badness, measure_named
from tk_tools.metrics.paired import holm, sign_flip_test
from tk_tools.report.systems import Clip, System

SIGNIFICANT = 0.05
_MOST_BINS = 28


class Distribution(NamedTuple):
    """Counts of values in bins of equal width from `low` to `high`; one bin where all values are equal."""

    low: float
    high: float
    counts: list[int]


@dataclass(frozen=True)
class Summary:
    """One measure over the clips of one system that have it."""

    mean: Mean
    median: float
    least: float
    greatest: float
    distribution: Distribution


@dataclass(frozen=True)
class Comparison:
    """A measure of the clips that the first system and another have in common.

    difference: the other's less the first's, clip by clip. p: of the sign-flip test; corrected: after Holm, over all
    comparisons of the report; None with fewer than two pairs. `first`, `other` and `difference` of a measure that is
    best at a number are of its distance from it.
    """

    key: str
    other: int
    first_mean: Mean
    other_mean: Mean
    difference: Mean
    p: float | None
    corrected: float | None

    @property
    def verdict(self) -> str:
        """first, other (which is better) or unclear."""
        if self.corrected is None or self.corrected >= SIGNIFICANT or self.difference.value == 0:
            return "unclear"
        more_is_better = measure_named(self.key).better == "more"
        return "other" if (self.difference.value > 0) == more_is_better else "first"


def too_few_pairs(comparisons: Sequence[Comparison]) -> int:
    """The greatest number of pairs with which no comparison of the report can be significant; 0: there are enough."""
    most = max((one.difference.count for one in comparisons), default=0)
    least_p = 2.0 ** (1 - most) * len(comparisons)
    return most if least_p >= SIGNIFICANT else 0


def summaries_of(systems: Sequence[System], keys: Sequence[str]) -> dict[str, list[Summary | None]]:
    """Of each measure, for each system, None where no clip has it; the distributions of a measure have one range."""
    tables = [{key: values for key in keys if len(values := _values_of(system, key))} for system in systems]
    means = [_means(table) for table in tables]
    found = {}
    for key in keys:
        every = np.concatenate([table[key] for table in tables if key in table])
        span = float(every.min()), float(every.max())
        found[key] = [
            _summarise(table[key], mean[key], span) if key in table else None
            for table, mean in zip(tables, means, strict=True)
        ]
    return found


def _summarise(data: np.ndarray, mean: Mean, span: tuple[float, float]) -> Summary:
    low, high = span
    bins = 1 if high <= low else min(_MOST_BINS, max(6, math.ceil(2 * len(data) ** 0.5)))
    counts = [len(data)] if bins == 1 else np.histogram(data, bins=bins, range=(low, high))[0].tolist()
    return Summary(
        mean=mean,
        median=float(np.median(data)),
        least=float(data.min()),
        greatest=float(data.max()),
        distribution=Distribution(low, high, counts),
    )


def _means(columns: dict[Hashable, np.ndarray]) -> dict[Hashable, Mean]:
    """The mean of each column; those of one length are drawn together."""
    found: dict[Hashable, Mean] = {}
    for length in {len(values) for values in columns.values()}:
        alike = [name for name, values in columns.items() if len(values) == length]
        found |= zip(alike, means_with_intervals(np.stack([columns[name] for name in alike], axis=1)), strict=True)
    return found


def _values_of(system: System, key: str) -> np.ndarray:
    return np.array([clip.numbers[key] for clip in system.clips if key in clip.numbers])


def compare(first: dict[str, Clip], others: Sequence[dict[str, Clip]], keys: Sequence[str]) -> list[Comparison]:
    """Every measure of the first system against each other one, over the clips, by name, that have it in both.

    Numbers without a direction are left out: nothing follows from them, and each would make the other p-values greater.
    """
    pairs = {}
    for key in (key for key in keys if measure_named(key).better is not None):
        for index, other in enumerate(others, start=1):
            names = [n for n in first if n in other and key in first[n].numbers and key in other[n].numbers]
            if names:
                pairs[key, index] = [_compared(clips, names, key) for clips in (first, other)]
    columns = {}
    for which, (ours, theirs) in pairs.items():
        columns |= {(*which, "first"): ours, (*which, "other"): theirs, (*which, "difference"): theirs - ours}
    means = _means(columns)
    ps = {which: sign_flip_test(theirs - ours) for which, (ours, theirs) in pairs.items() if len(ours) > 1}
    corrected = dict(zip(ps, holm(list(ps.values())), strict=True))
    return [
        Comparison(
            *which,
            *(means[*which, what] for what in ("first", "other", "difference")),
            p=ps.get(which),
            corrected=corrected.get(which),
        )
        for which in pairs
    ]


def _compared(clips: dict[str, Clip], names: list[str], key: str) -> np.ndarray:
    values = np.array([clips[name].numbers[key] for name in names])
    better = measure_named(key).better
    return np.abs(values - better) if isinstance(better, float) else values


def worst_first(clips: Sequence[Clip], key: str) -> list[Clip]:
    """The clips that have the measure, worst first; of one without a direction, the lowest first."""
    better = _direction(key)
    measured = [clip for clip in clips if key in clip.numbers]
    return sorted(measured, key=lambda clip: badness(clip.numbers[key], better), reverse=True)


def worst_difference_first(first: dict[str, Clip], other: dict[str, Clip], key: str) -> list[str]:
    """Names of the clips that have the measure in both, those first on which `other` loses most to `first`."""
    better = _direction(key)

    def loss(name: str) -> float:
        return badness(other[name].numbers[key], better) - badness(first[name].numbers[key], better)

    shared = [n for n in first if n in other and key in first[n].numbers and key in other[n].numbers]
    return sorted(shared, key=loss, reverse=True)


def _direction(key: str) -> Literal["more", "less"] | float:
    better = measure_named(key).better
    return "more" if better is None else better

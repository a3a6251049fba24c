"""The numbers of a report: each measure's mean, interval and distribution, and how two systems differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from tk_tools.metrics.intervals import Mean, mean_with_interval
from tk_tools.metrics.measures import Measure, badness, measure_named
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
    corrected: float | None = None

    @property
    def verdict(self) -> str:
        """first, other (which is better), differ (no direction is known) or unclear."""
        if self.corrected is None or self.corrected >= SIGNIFICANT or self.difference.value == 0:
            return "unclear"
        better = measure_named(self.key).better
        if better is None:
            return "differ"
        return "other" if (self.difference.value > 0) == (better == "more") else "first"


def summarise(values: Sequence[float], span: tuple[float, float] | None = None) -> Summary:
    """span: of the distribution, the values' own by default. ValueError without a value."""
    data = np.asarray(values, dtype=np.float64)
    low, high = span or (float(data.min()), float(data.max()))
    bins = 1 if high <= low else min(_MOST_BINS, max(6, math.ceil(2 * len(data) ** 0.5)))
    counts = [len(data)] if bins == 1 else np.histogram(data, bins=bins, range=(low, high))[0].tolist()
    return Summary(
        mean=mean_with_interval(data),
        median=float(np.median(data)),
        least=float(data.min()),
        greatest=float(data.max()),
        distribution=Distribution(low, high, counts),
    )


def values_of(system: System, key: str) -> list[float]:
    """The values of a measure, of the clips that have it."""
    return [clip.numbers[key] for clip in system.clips if key in clip.numbers]


def compare(first: dict[str, Clip], others: Sequence[dict[str, Clip]], keys: Sequence[str]) -> list[Comparison]:
    """Every measure of the first system against each other one, over the clips, by name, that have it in both."""
    found = []
    for key in keys:
        measure = measure_named(key)
        for index, other in enumerate(others, start=1):
            pairs = [
                (_compared(first[name].numbers[key], measure), _compared(other[name].numbers[key], measure))
                for name in first
                if name in other and key in first[name].numbers and key in other[name].numbers
            ]
            if pairs:
                found.append(_compare_pairs(key, index, np.array(pairs)))
    tested = [comparison for comparison in found if comparison.p is not None]
    corrected = iter(holm([comparison.p for comparison in tested]))
    return [one if one.p is None else replace(one, corrected=next(corrected)) for one in found]


def _compare_pairs(key: str, index: int, pairs: np.ndarray) -> Comparison:
    difference = pairs[:, 1] - pairs[:, 0]
    return Comparison(
        key=key,
        other=index,
        first_mean=mean_with_interval(pairs[:, 0]),
        other_mean=mean_with_interval(pairs[:, 1]),
        difference=mean_with_interval(difference),
        p=sign_flip_test(difference) if len(pairs) > 1 else None,
    )


def _compared(value: float, measure: Measure) -> float:
    return abs(value - measure.better) if isinstance(measure.better, float) else value


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

"""Intervals hold the mean, narrow with more clips, repeat, and cover the truth about as often as they say."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from tk_tools.metrics.intervals import mean_with_interval, means_with_intervals


def test_one_value_has_no_interval_and_none_no_mean():
    assert mean_with_interval([3.0]) == (3.0, None, None, 1)
    with pytest.raises(ValueError, match="no values"):
        mean_with_interval([])


def test_more_clips_narrow_it():
    values = np.random.default_rng(0).normal(5, 1, 400)
    few, many = mean_with_interval(values[:20]), mean_with_interval(values)
    assert few.low < few.value < few.high
    assert many.high - many.low < 0.5 * (few.high - few.low)
    assert mean_with_interval(values[:20]) == few


def test_equal_values_have_an_interval_of_no_width():
    assert mean_with_interval([2.0, 2.0, 2.0]) == (2.0, 2.0, 2.0, 3)


def test_it_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    means = [mean_with_interval(rng.exponential(1.0, 40), seed) for seed in range(60)]
    assert 0.8 <= np.mean([mean.low <= 1.0 <= mean.high for mean in means]) <= 1.0


def test_it_is_the_bootstrap_of_scipy():
    values = np.random.default_rng(2).exponential(1.0, 37)
    rng = np.random.default_rng(0)
    expected = bootstrap((values,), np.mean, n_resamples=9999, method="percentile", rng=rng).confidence_interval
    assert mean_with_interval(values)[1:3] == pytest.approx(tuple(expected))


def test_columns_together_are_as_each_by_itself():
    table = np.random.default_rng(3).normal(size=(90, 3))
    for together, column in zip(means_with_intervals(table), table.T, strict=True):
        assert together == pytest.approx(mean_with_interval(column), rel=1e-12)

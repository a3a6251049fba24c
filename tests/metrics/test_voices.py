"""Cosines of voices, and how well they tell speakers apart; the equal error rate is held to the usual way."""

import numpy as np
import pytest
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_curve

from tk_tools.metrics.voices import cosine_similarities, equal_error_rate, verify


@pytest.mark.parametrize("seed", range(8))
def test_equal_error_rate_is_the_usual_one(seed):
    rng = np.random.default_rng(seed)
    same, different = rng.normal(0.8, 0.1, 30 + seed), rng.normal(0.65, 0.1, 200)
    if seed % 2:  # equal scores on both sides
        same, different = same.round(1), different.round(1)
    wanted = np.repeat([True, False], [len(same), len(different)])
    passed, found, _ = roc_curve(wanted, np.concatenate([same, different]), drop_intermediate=False)
    usual = brentq(lambda rate: 1 - rate - interp1d(passed, found)(rate), 0, 1)
    rate, threshold = equal_error_rate(same, different)
    assert rate == pytest.approx(usual, abs=1e-9)
    assert min((same < threshold).mean(), (different >= threshold).mean()) <= rate + 1e-9
    assert rate <= max((same < threshold).mean(), (different >= threshold).mean()) + 1e-9


def test_voices_that_are_told_apart_have_no_error():
    assert equal_error_rate(np.array([0.9, 0.7]), np.array([0.6, 0.1, 0.3])) == (0.0, 0.7)
    rate, _ = equal_error_rate(np.array([0.1]), np.array([0.9]))
    assert rate == 1


def test_each_pair_counts_once():
    embeds = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
    told = verify(cosine_similarities(embeds), ["a", "a", "b"])
    assert told.same == (pytest.approx(0.8), pytest.approx(0.8), pytest.approx(0.8), 1)
    assert told.different == (pytest.approx(0.3), 0, pytest.approx(0.6), 2)
    assert told.eer == 0


@pytest.mark.parametrize("speakers", [["a", "a", "a"], ["a", "b", "c"], ["a"]])
def test_nothing_is_said_without_pairs_of_both_kinds(speakers):
    assert verify(np.eye(len(speakers)), speakers) is None

"""The Frechet distance, against numpy and scipy."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from tk_tools.metrics.fid import FeatureStatistics, frechet_distance, frechet_distance_by_eigenvalues

RNG = np.random.default_rng(5)
A = RNG.standard_normal((200, 12)) @ RNG.standard_normal((12, 12))
B = 0.7 * RNG.standard_normal((150, 12)) @ RNG.standard_normal((12, 12)) + 0.4


def statistics(features, blocks=1):
    gathered = FeatureStatistics()
    for block in np.array_split(features, blocks):
        gathered.add(block)
    return gathered


def test_against_numpy_and_scipy():
    first, second = np.cov(A, rowvar=False), np.cov(B, rowvar=False)
    gap = A.mean(axis=0) - B.mean(axis=0)
    expected = gap @ gap + np.trace(first + second) - 2 * np.trace(sqrtm(first @ second)).real
    assert frechet_distance(statistics(A), statistics(B)) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance_by_eigenvalues(statistics(A), statistics(B)) == pytest.approx(expected, rel=1e-6)


def test_blocks_do_not_matter():
    whole, pieces = statistics(A), statistics(A, blocks=7)
    assert pieces.mean == pytest.approx(whole.mean, abs=1e-12)
    assert pieces.covariance == pytest.approx(np.cov(A, rowvar=False), abs=1e-10)


def test_equal_sets_are_at_zero_and_a_shift_adds_its_square():
    assert frechet_distance(statistics(A), statistics(A)) == pytest.approx(0, abs=1e-4)
    moved = A + np.eye(12)[0] * 2
    assert frechet_distance(statistics(A), statistics(moved)) == pytest.approx(4, abs=1e-4)


def test_one_vector_has_no_covariance():
    with pytest.raises(ValueError, match="at least two"):
        statistics(A[:1]).covariance  # noqa: B018

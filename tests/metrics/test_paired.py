"""The paired test equals SciPy's where that is exact, keeps its level, and finds what is there."""

import numpy as np
import pytest
from scipy.stats import permutation_test

from tk_tools.metrics.paired import MOST_EXACT, holm, sign_flip_test


@pytest.mark.parametrize("pairs", [2, 5, 9, MOST_EXACT])
def test_exact_for_few_pairs(pairs):
    differences = np.random.default_rng(pairs).normal(0.4, 1, pairs)
    exact = permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=1 << 17)
    assert sign_flip_test(differences) == pytest.approx(exact.pvalue)


def test_random_patterns_come_near_the_exact_value():
    differences = np.random.default_rng(3).normal(0.5, 1, MOST_EXACT + 1)
    exact = permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=1 << 18)
    assert exact.pvalue > 0.01
    assert sign_flip_test(differences) == pytest.approx(exact.pvalue, rel=0.2)


def test_the_least_value_that_few_pairs_can_give():
    assert sign_flip_test([1.0, 2.0, 3.0]) == 2 / 2**3
    assert sign_flip_test([1.0]) == 1
    assert sign_flip_test([0.0, 0.0, 0.0]) == 1
    with pytest.raises(ValueError, match="no pairs"):
        sign_flip_test([])


def test_equal_sums_in_another_order_are_ties():
    assert sign_flip_test([0.1, 0.2, 0.3]) == 0.25
    assert sign_flip_test([0.1, 0.2, -0.3]) == 1


def test_sign_and_scale_do_not_matter_and_it_repeats():
    differences = np.random.default_rng(4).normal(0.3, 1, 50)
    first = sign_flip_test(differences)
    assert first == sign_flip_test(differences) == sign_flip_test(-differences)
    assert first == pytest.approx(sign_flip_test(1000 * differences))


def test_it_keeps_its_level_and_finds_a_difference():
    rng = np.random.default_rng(5)
    none = [sign_flip_test(rng.normal(0, 1, 12)) for _ in range(200)]
    some = [sign_flip_test(rng.normal(1, 1, 12)) for _ in range(50)]
    assert np.mean(np.array(none) < 0.05) < 0.1
    assert np.mean(np.array(some) < 0.05) > 0.7


def test_many_pairs_never_give_zero():
    assert sign_flip_test(np.ones(5000)) == pytest.approx(1e-4)


def test_holm():
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []

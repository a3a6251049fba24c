"""Paths of FastDTW: the package's own, the best one where the sequences are short, and whole ones always."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tk_tools.metrics.time_warp import warp


def walk(seed, length):
    return np.random.default_rng(seed).standard_normal((length, 3)).cumsum(axis=0)


def cost(first, second, path):
    return np.linalg.norm(first[path[:, 0]] - second[path[:, 1]], axis=1).sum()


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 70), m=st.integers(1, 70), seed=st.integers(0, 1000))
def test_a_path_goes_from_both_first_frames_to_both_last_ones_without_leaps(n, m, seed):
    path = warp(walk(seed, n), walk(seed + 1, m))
    assert (path[0].tolist(), path[-1].tolist()) == ([0, 0], [n - 1, m - 1])
    assert {tuple(step) for step in np.diff(path, axis=0)} <= {(0, 1), (1, 0), (1, 1)}


def test_it_is_that_of_the_package():
    fastdtw = pytest.importorskip("fastdtw")
    for n, m in itertools.product((1, 2, 3, 7, 40, 61), (1, 3, 12, 50, 77)):
        first, second = walk(n, n), walk(100 + m, m)
        _, path = fastdtw.fastdtw(first, second, dist=lambda a, b: np.linalg.norm(a - b))
        assert np.array_equal(warp(first, second), path), (n, m)


def test_equal_sequences_lie_on_the_diagonal():
    frames = walk(3, 101)
    assert np.array_equal(warp(frames, frames), np.repeat(np.arange(101)[:, None], 2, axis=1))


def test_a_sequence_slowed_down_is_found_again():
    frames = walk(4, 60)
    slow = np.repeat(frames, 2, axis=0)
    assert cost(slow, frames, warp(slow, frames)) == 0


def test_it_is_near_the_least_sum():
    librosa = pytest.importorskip("librosa")
    first, second = walk(5, 80), walk(6, 95)
    best = librosa.sequence.dtw(first.T, second.T)[0][-1, -1]
    assert best <= cost(first, second, warp(first, second)) + 1e-9 < 1.2 * best

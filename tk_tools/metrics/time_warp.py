"""Which frame of one sequence belongs to which of another: FastDTW, whose time and memory grow with the length alone.

A path found at half the rate is refined within RADIUS frames of it, from the coarsest rate to the finest; its sum of
distances may be a little more than the least. Source: Salvador and Chan, 2007; the package fastdtw, whose radius and
choice between equal sums these are, since ESPnet warps with it.
"""

from __future__ import annotations

import numpy as np

RADIUS = 1  # frames at half the rate


def warp(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The path (steps, 2) int of pairs of frames of (n, D) and (m, D), from the first ones of both to the last ones.

    The sum of Euclidean distances is made small; a step goes on by one frame in either or in both.
    """
    n, m = len(first), len(second)
    if min(n, m) < RADIUS + 2:
        return _least_path(first, second, np.zeros(n, int), np.full(n, m))
    coarse = warp(_halved(first), _halved(second))
    return _least_path(first, second, *_widened(coarse, n, m))


def _halved(frames: np.ndarray) -> np.ndarray:
    whole = frames[: len(frames) - len(frames) % 2]
    return (whole[::2] + whole[1::2]) / 2


def _widened(coarse: np.ndarray, n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    """For each of n rows, the first column to look at and the first one beyond, around a path at half the rate."""
    rows = np.arange(coarse[-1, 0] + 1)
    first = coarse[np.searchsorted(coarse[:, 0], rows, side="left"), 1]
    last = coarse[np.searchsorted(coarse[:, 0], rows, side="right") - 1, 1]
    above = np.clip(np.arange(n) // 2 - RADIUS, 0, rows[-1])  # the path never goes back, so its least column is there
    below = np.clip(np.arange(n) // 2 + RADIUS, 0, rows[-1])
    return np.maximum(2 * (first[above] - RADIUS), 0), np.minimum(2 * (last[below] + RADIUS) + 2, m)


def _least_path(first: np.ndarray, second: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The path of the least sum among the pairs (i, j) with low[i] <= j < high[i]."""
    came_from: list[list[tuple[int, int]]] = []
    infinity = float("inf")
    above, above_low = [0.0], -1  # sums of the row before, from column above_low on
    for i, (start, stop) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        apart = np.sqrt(((second[start:stop] - first[i]) ** 2).sum(axis=1)).tolist()
        sums: list[float] = []
        steps: list[tuple[int, int]] = []
        left = infinity
        for j in range(start, stop):
            at = j - above_low
            up = above[at] if 0 <= at < len(above) else infinity
            diagonal = above[at - 1] if 0 < at <= len(above) else infinity
            if up <= left and up <= diagonal:
                best, step = up, (1, 0)
            elif left <= diagonal:
                best, step = left, (0, 1)
            else:
                best, step = diagonal, (1, 1)
            left = best + apart[j - start]
            sums.append(left)
            steps.append(step)
        above, above_low = sums, start
        came_from.append(steps)
    i, j = len(first) - 1, len(second) - 1
    path = [(i, j)]
    while i or j:
        down, right = came_from[i][j - low[i]]
        i, j = i - down, j - right
        path.append((i, j))
    return np.array(path[::-1])

"""Arithmetic of boxes (x1, y1, x2, y2): overlap, size, and how much two of them can be one face a moment apart."""

from __future__ import annotations

import numpy as np


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two boxes (4,), 0 to 1."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return float(shared / (area(first) + area(second) - shared))


def area(box: np.ndarray) -> float:
    """Area of a box (4,) in square pixels."""
    return float(max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1]))


def center(box: np.ndarray) -> np.ndarray:
    """(x, y) of the middle of a box (4,), (2,) pixels."""
    return np.array([box[0] + box[2], box[1] + box[3]]) / 2


def side(box: np.ndarray) -> float:
    """Mean of width and height of a box (4,), pixels."""
    return float(box[2] - box[0] + box[3] - box[1]) / 2


def square(middle: np.ndarray, length: float) -> np.ndarray:
    """The square box (4,) with sides of `length` pixels around a point (2,)."""
    return np.array([middle[0] - length / 2, middle[1] - length / 2, middle[0] + length / 2, middle[1] + length / 2])


def bounds(points: np.ndarray) -> np.ndarray:
    """The smallest box (4,) around (n, 2) points."""
    low, high = points.min(axis=0), points.max(axis=0)
    return np.array([low[0], low[1], high[0], high[1]])

"""FID: the Frechet distance between two sets of feature vectors, each taken as a normal distribution.

Means and covariances are gathered block by block, so a set may be of any size. Features of pictures come from
`tk_tools.metrics.inception`. Source: Heusel et al., 2017; mseitzer/pytorch-fid.
"""

from __future__ import annotations

import numpy as np

RIDGE = 1e-6  # added to both diagonals when the root of the product is not finite


class FeatureStatistics:
    """Mean and covariance (denominator N - 1) of feature vectors that come in blocks."""

    def __init__(self) -> None:
        self.count = 0
        self.mean: np.ndarray | None = None
        self._scatter: np.ndarray | None = None

    def add(self, features: np.ndarray) -> None:
        """Features (n, D), n >= 1."""
        block = np.asarray(features, dtype=np.float64)
        mean = block.mean(axis=0)
        scatter = (block - mean).T @ (block - mean)
        if self.mean is None:
            self.count, self.mean, self._scatter = len(block), mean, scatter
            return
        count = self.count + len(block)
        gap = mean - self.mean
        self._scatter += scatter + np.outer(gap, gap) * (self.count * len(block) / count)
        self.mean = self.mean + gap * (len(block) / count)
        self.count = count

    @property
    def covariance(self) -> np.ndarray:
        """(D, D). ValueError: fewer than two vectors."""
        if self.count < 2:
            raise ValueError("a covariance needs at least two feature vectors")
        return self._scatter / (self.count - 1)


def frechet_distance(a: FeatureStatistics, b: FeatureStatistics) -> float:
    """|m1 - m2|^2 + tr S1 + tr S2 - 2 tr sqrt(S1 S2), by the matrix root as pytorch-fid takes it."""
    from scipy.linalg import sqrtm

    first, second = a.covariance, b.covariance
    root = sqrtm(first @ second)
    if not np.isfinite(root).all():
        ridge = RIDGE * np.eye(len(first))
        root = sqrtm((first + ridge) @ (second + ridge))
    return _distance(a, b, trace_of_root=float(np.trace(root).real))


def frechet_distance_by_eigenvalues(a: FeatureStatistics, b: FeatureStatistics) -> float:
    """The same from the eigenvalues of S1 S2: quicker, and sound for singular covariances (fewer vectors
    than dimensions).
    """
    eigenvalues = np.linalg.eigvals(a.covariance @ b.covariance)
    trace = np.sqrt(eigenvalues.astype(np.complex128)).real.sum()
    return _distance(a, b, trace_of_root=float(trace))


def frechet_distance_of_few_or_many(a: FeatureStatistics, b: FeatureStatistics) -> float:
    """By the matrix root where both covariances may be regular (more vectors than dimensions), else by eigenvalues."""
    regular = min(a.count, b.count) > len(a.covariance)
    return (frechet_distance if regular else frechet_distance_by_eigenvalues)(a, b)


def _distance(a: FeatureStatistics, b: FeatureStatistics, trace_of_root: float) -> float:
    gap = a.mean - b.mean
    return float(gap @ gap + np.trace(a.covariance) + np.trace(b.covariance) - 2 * trace_of_root)

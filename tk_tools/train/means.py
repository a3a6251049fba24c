"""Means of a validation's losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Means:
    """Means of named losses over batches and over all processes."""

    def __init__(self, fabric: Fabric):
        self._fabric = fabric
        self._sums: dict[str, Tensor] = {}
        self._count = 0

    def add(self, **losses: Tensor) -> None:
        """One batch: a scalar for each name."""
        self._count += 1
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0) + value.detach().float()

    def result(self) -> dict[str, float]:
        """The means by name, the same on all processes."""
        return {
            name: float(self._fabric.all_reduce(value / self._count, reduce_op="mean"))
            for name, value in self._sums.items()
        }

"""Gradients of networks that Fabric did not wrap, brought together over the processes of a run.

For steps in which not every network takes part, or not in every process: DistributedDataParallel waits there for
gradients that never come.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def average_gradients(fabric: Fabric, parameters: Iterable[nn.Parameter]) -> None:
    """Replace each gradient by its mean over all processes, where one that has none counts as zeros.

    Every process calls it with the same parameters; those that have a gradient in no process are left without.
    """
    if fabric.world_size == 1:
        return
    parameters = list(parameters)
    there = torch.tensor([float(parameter.grad is not None) for parameter in parameters], device=fabric.device)
    found = fabric.all_reduce(there, reduce_op="sum").tolist()
    learning = [parameter for parameter, count in zip(parameters, found, strict=True) if count]
    if not learning:
        return
    for parameter in learning:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    flat = torch.cat([parameter.grad.flatten() for parameter in learning])
    means = fabric.all_reduce(flat, reduce_op="mean").split([parameter.numel() for parameter in learning])
    for parameter, mean in zip(learning, means, strict=True):
        parameter.grad.copy_(mean.view_as(parameter))

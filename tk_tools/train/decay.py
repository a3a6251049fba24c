"""Learning rates that fall to zero along a cosine by the last step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch.optim.lr_scheduler import LambdaLR

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

    from tk_tools.train.task import Task


def decaying(optimizer: Optimizer, wanted: bool, last: int) -> dict[str, LRScheduler]:
    """The schedule of an optimiser over `last` steps, if it is wanted."""
    if not wanted:
        return {}

    def share(step: int) -> float:
        return (1 + math.cos(math.pi * min(step, last) / last)) / 2

    return {"decay": LambdaLR(optimizer, share)}


def decay(task: Task) -> None:
    """One step of every schedule, when a step of the optimisers is complete."""
    if task.last_part:
        for schedule in task.schedulers.values():
            schedule.step()

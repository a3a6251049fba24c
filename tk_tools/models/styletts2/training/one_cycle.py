"""How AdamW trained the aligner and the pitch extractor: the learning rate falls along a cosine while the decay of the
gradient's mean rises.

Source: optimizers.py of yl4579/AuxiliaryASR and yl4579/PitchExtractor, which step torch's OneCycleLR without a rise.
"""

from __future__ import annotations

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

LAST_SHARE = 1 / 125  # of the learning rate, at the end
BETA2 = 0.98
WEIGHT_DECAY = 5e-4
BETA1 = (0.85, 0.95)  # AdamW's, at the beginning and at the end


class OneCycle(LambdaLR):
    """Over `last` steps; the beginning is the optimiser's own learning rate."""

    def __init__(self, optimizer: Optimizer, last: int):
        super().__init__(optimizer, lambda step: LAST_SHARE + (1 - LAST_SHARE) * _left(step, last))

    def step(self, epoch: int | None = None) -> None:
        super().step(epoch)
        self._set_betas()

    def _set_betas(self) -> None:
        for group, share in zip(self.optimizer.param_groups, self.lr_lambdas, strict=True):
            left = (share(self.last_epoch) - LAST_SHARE) / (1 - LAST_SHARE)
            group["betas"] = (BETA1[1] - (BETA1[1] - BETA1[0]) * left, group["betas"][1])


def _left(step: int, last: int) -> float:
    """Of the way down, 1 to 0."""
    return (1 + math.cos(math.pi * min(1, (step + 1) / last))) / 2

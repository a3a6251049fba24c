"""The optimisers of StyleTTS 2's stages: an AdamW for each part, whose step sizes stay as they are.

The original writes betas (0, 0.99), but the schedule that it builds and never steps (OneCycleLR) sets the first one to
0.85; its weights were trained so. Source: optimizers.py of yl4579/StyleTTS2.
"""

from __future__ import annotations

import torch
from torch import nn

BETAS = (0.85, 0.99)
EPSILON = 1e-9
WEIGHT_DECAY = 1e-4


def adamw(
    net: nn.Module,
    learning_rate: float,
    betas: tuple[float, float] = BETAS,
    weight_decay: float = WEIGHT_DECAY,
) -> torch.optim.AdamW:
    """AdamW over the weights of a part that learn, its update in one pass."""
    learnt = [weight for weight in net.parameters() if weight.requires_grad]
    return torch.optim.AdamW(learnt, learning_rate, betas, EPSILON, weight_decay, fused=True)


def learnt_by(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    """The weights that an optimiser trains."""
    return [weight for group in optimizer.param_groups for weight in group["params"]]

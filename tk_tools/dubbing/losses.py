"""The losses of DINet and LawDNet beside the perceptual one (nets/perceptual.py); means, in float32 whatever comes in.

Source: MRzzm/DINet and iPaw-AI-LAB/LawDNet_2024, utils/training_utils.py and the train_*.py.
"""

from __future__ import annotations

import torch
from torch.nn import functional


def gan_loss(scores: torch.Tensor, real: bool) -> torch.Tensor:
    """Least squares: how far scores of any shape are from 1 (real) or 0 (made)."""
    scores = scores.float()
    return ((scores - 1 if real else scores) ** 2).mean()


def discriminator_loss(made: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Half the sum of gan_loss over the scores of made and of real pictures."""
    return (gan_loss(made, real=False) + gan_loss(real, real=True)) / 2


def sync_loss(scores: torch.Tensor) -> torch.Tensor:
    """How far SyncNet's scores (B, 1, h, w) of made mouths are from 1, in sync."""
    return gan_loss(scores, real=True)


def picture_loss(made: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Mean squared error of pictures; LawDNet alone has it."""
    return functional.mse_loss(made.float(), real.float())

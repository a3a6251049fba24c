"""The convolution block that both networks of DiffVC are made of."""

from __future__ import annotations

import torch
from torch import nn

GROUPS = 8


class Block(nn.Module):
    """Conv2d, group norm, Mish on what the mask leaves: (B, channels_in, H, W) -> (B, channels_out, H, W)."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int = 3):
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, kernel_size=kernel, padding=kernel // 2),
            nn.GroupNorm(GROUPS, channels_out),
            nn.Mish(),
        )

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """mask (B, 1, 1, W)."""
        return self.block(x * mask) * mask

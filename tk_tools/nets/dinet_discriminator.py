"""The discriminator of DINet and LawDNet: patches of a picture, or of a clip's stacked pictures, real or made?

Key names are those of `net_dI` (one picture) and `net_dV` (five) in the published checkpoints.
Source: Siarohin et al., "First Order Motion Model for Image Animation", NeurIPS 2019; MRzzm/DINet,
models/Discriminator.py.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from tk_tools.nets.dinet_layers import first_channels

SLOPE = 0.2  # of the leaky ReLU


class _DownBlock(nn.Module):
    """4x4 convolution without padding, leaky ReLU, and with `pool` the average of 2x2."""

    def __init__(self, channels_in: int, channels_out: int, pool: bool):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel_size=4)
        self.pool = pool

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.leaky_relu(self.conv(x), negative_slope=SLOPE, inplace=True)
        return functional.avg_pool2d(x, kernel_size=2) if self.pool else x


class Discriminator(nn.Module):
    """Judges pictures in 0..1. channels: 3 for one RGB frame, 15 for five, stacked; `width` scales the inner ones."""

    def __init__(self, channels: int = 3, width: float = 1.0):
        super().__init__()
        self.channels = channels
        first = first_channels(width)
        widths = (channels, 2 * first, 4 * first, 4 * first, 4 * first)
        self.down_blocks = nn.ModuleList(
            _DownBlock(widths[number], widths[number + 1], pool=number < 3) for number in range(4)
        )
        self.conv = nn.Conv2d(widths[-1], 1, kernel_size=1)

    def maps(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """(B, channels, H, W) -> the outputs of the four blocks."""
        found = []
        for block in self.down_blocks:
            pictures = block(pictures)
            found.append(pictures)
        return found

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(B, channels, H, W) -> (B, 1, h, w) scores, towards 1 for real and 0 for made; 46x34 of 416x320."""
        return self.conv(self.maps(pictures)[-1])

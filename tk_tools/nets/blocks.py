"""The convolution block of the Wav2Lip family: Conv2d, batch norm, ReLU, with or without a residual.

The sub-module's name (`conv_block`) is the one that published checkpoints bear. Source: Prajwal et al., "A
Lip Sync Expert Is All You Need", ACM MM 2020, and its code.
"""

from __future__ import annotations

import torch
from torch import nn


class ConvBlock(nn.Module):
    """Conv2d + BatchNorm2d + ReLU; with `residual` the input is added before the ReLU (sizes must then agree)."""

    def __init__(self, channels_in: int, channels_out: int, kernel=3, stride=1, padding=1, residual: bool = False):
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, kernel_size=kernel, stride=stride, padding=padding),
            nn.BatchNorm2d(channels_out),
        )
        self.residual = residual

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels_in, H, W) -> (B, channels_out, H', W')."""
        y = self.conv_block(x)
        return torch.relu(y + x if self.residual else y)

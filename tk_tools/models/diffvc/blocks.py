"""The convolution block that both networks of DiffVC are made of, and the mask of the frames that count."""

from __future__ import annotations

import torch
from torch import nn

from tk_tools.nets.winograd import WinogradConv2d

GROUPS = 8


class FrameMask:
    """Which frames of pictures (B, C, H, W) count: mask (B, 1, 1, W), 1 or 0."""

    def __init__(self, mask: torch.Tensor):
        self.mask = mask
        missing = (mask == 0).any(dim=0).flatten().nonzero()
        self.whole = int(missing[0]) if len(missing) else mask.shape[-1]  # the first frames, which count in all items

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """x (B, C, H, W) with zeros in the frames that do not count; in place where no gradient is taken."""
        if self.whole == x.shape[-1]:
            return x
        if torch.is_grad_enabled():
            return x * self.mask
        x[..., self.whole :] *= self.mask[..., self.whole :]
        return x

    def halved(self) -> FrameMask:
        """The mask of pictures half as large."""
        return FrameMask(self.mask[..., ::2])


class Block(nn.Module):
    """Conv2d, group norm, Mish on what the mask leaves: (B, channels_in, H, W) -> (B, channels_out, H, W)."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int = 3):
        super().__init__()
        if kernel == 3:
            conv = WinogradConv2d(channels_in, channels_out)
        else:
            conv = nn.Conv2d(channels_in, channels_out, kernel_size=kernel, padding=kernel // 2)
        self.block = nn.Sequential(conv, nn.GroupNorm(GROUPS, channels_out), nn.Mish())

    def forward(self, x: torch.Tensor, mask: FrameMask) -> torch.Tensor:
        return mask(self.block(mask(x)))

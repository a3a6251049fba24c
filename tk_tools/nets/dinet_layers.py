"""The layers that DINet, LawDNet and their SyncNet are built of. Sub-module names are those of the published files.

All three count their channels in multiples of the first layer's: 64 as published, fewer in a narrow network. DINet has
a batch norm at every convolution, the others none.
Source: Zhang et al., "DINet: Deformation Inpainting Network for Realistic Face Visually Dubbing on High Resolution
Video", AAAI 2023; MRzzm/DINet; iPaw-AI-LAB/LawDNet_2024.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from tk_tools.nets.width import scaled

_CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d}  # by the number of axes
_NORMS = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}
PUBLISHED_CHANNELS = 64  # of the first layer


def first_channels(width: float) -> int:
    """Channels of the first layer at a width; 1.0 is the published one."""
    return scaled(PUBLISHED_CHANNELS, width)


def _convolution(axes: int, channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> nn.Module:
    return _CONVOLUTIONS[axes](channels_in, channels_out, kernel_size=kernel, stride=stride, padding=kernel // 2)


class ConvBlock(nn.Module):
    """Convolution, batch norm if wanted, ReLU; of sequences (axes 1) or pictures (axes 2)."""

    def __init__(
        self, axes: int, channels_in: int, channels_out: int, kernel: int = 3, stride: int = 1, norm: bool = False
    ):
        super().__init__()
        self.conv = _convolution(axes, channels_in, channels_out, kernel, stride)
        if norm:
            self.norm = _NORMS[axes](channels_out)
        self.has_norm = norm

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels_in, ...) -> (B, channels_out, ...), as many positions by `stride`, rounded up."""
        return self.finish(self.conv(x))

    def finish(self, x: torch.Tensor) -> torch.Tensor:
        """Norm and ReLU of the convolution's result, in place."""
        return functional.relu(self.norm(x) if self.has_norm else x, inplace=True)


class UpBlock(ConvBlock):
    """The block on pictures of twice the size: (B, channels_in, H, W) -> (B, channels_out, 2 H, 2 W)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(functional.interpolate(x, scale_factor=2, mode="nearest"))


class PairBlock(ConvBlock):
    """The block on two stacked pictures of `channels` each: its convolution is linear, so the share of the second can
    be computed beforehand."""

    def __init__(self, channels: int, channels_out: int, kernel: int = 3, norm: bool = False):
        super().__init__(axes=2, channels_in=2 * channels, channels_out=channels_out, kernel=kernel, norm=norm)

    def share(self, second: torch.Tensor) -> torch.Tensor:
        """(B, channels, H, W) -> (B, channels_out, H, W): what the second picture adds."""
        weight = self.conv.weight[:, second.shape[1] :]
        return functional.conv2d(second, weight, padding=self.conv.padding)

    def forward(self, first: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
        """(B, channels, H, W) and the share of the second, of batch B or 1 -> (B, channels_out, H, W)."""
        weight = self.conv.weight[:, : first.shape[1]]
        return self.finish(functional.conv2d(first, weight, self.conv.bias, padding=self.conv.padding) + share)


class ResidualBlock(nn.Module):
    """Two convolutions of size 3 beside their input, a ReLU between them: (B, C, ...) -> the same.

    `relu_first` puts a ReLU before the first convolution too, `norm` a batch norm and a ReLU before either.
    """

    def __init__(self, axes: int, channels: int, norm: bool = False, relu_first: bool = False):
        super().__init__()
        self.conv1 = _convolution(axes, channels, channels, kernel=3)
        self.conv2 = _convolution(axes, channels, channels, kernel=3)
        if norm:
            self.norm1, self.norm2 = _NORMS[axes](channels), _NORMS[axes](channels)
        self.has_norm, self.relu_first = norm, relu_first

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x
        if self.has_norm:
            y = functional.relu(self.norm1(y), inplace=True)
        elif self.relu_first:
            y = functional.relu(y)
        y = self.conv1(y)
        if self.has_norm:
            y = self.norm2(y)
        return self.conv2(functional.relu(y, inplace=True)).add_(x)


def picture_encoder(channels_in: int, first: int, norm: bool) -> nn.Sequential:
    """(B, channels_in, H, W) -> (B, 4 first, H / 4, W / 4); sides are multiples of 4."""
    return nn.Sequential(
        ConvBlock(2, channels_in, first, kernel=7, norm=norm),
        ConvBlock(2, first, 2 * first, stride=2, norm=norm),
        ConvBlock(2, 2 * first, 4 * first, stride=2, norm=norm),
    )


class PoseEncoder(nn.ModuleList):
    """Where source and reference stand to each other: features of both, (B, 4 first, H, W) -> (B, 2 first, H', W').

    Four halvings, rounded up. What it sees of the reference is given as `share`, see PairBlock.
    """

    def __init__(self, first: int, norm: bool):
        channels = 2 * first
        stages = ((11, 2), (7, 2), (3, 1), (3, 1))  # kernel and number of the convolutions before each halving
        layers: list[nn.Module] = [PairBlock(4 * first, channels, norm=norm)]
        for kernel, count in stages:
            layers += [ConvBlock(2, channels, channels, kernel=kernel, norm=norm) for _ in range(count)]
            layers.append(ConvBlock(2, channels, channels, stride=2, norm=norm))
        super().__init__(layers)

    def share(self, reference: torch.Tensor) -> torch.Tensor:
        """(B, 4 first, H, W) -> (B, 2 first, H, W): the reference's share of the first convolution."""
        return self[0].share(reference)

    def forward(self, source: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
        first, *others = self
        x = first(source, share)
        for block in others:
            x = block(x)
        return x


def audio_encoder(channels_in: int, first: int, norm: bool) -> nn.Sequential:
    """(B, channels_in, 5) features of five frames -> (B, 2 first, 2)."""
    channels = 2 * first
    return nn.Sequential(
        ConvBlock(1, channels_in, channels, kernel=5, norm=norm),
        ResidualBlock(1, channels, norm=norm),
        ConvBlock(1, channels, channels, stride=2, norm=norm),
        ResidualBlock(1, channels, norm=norm),
        ConvBlock(1, channels, channels, stride=2, norm=norm),
        ConvBlock(1, channels, channels, norm=norm),
    )


def picture_decoder(first: int, norm: bool) -> nn.Sequential:
    """(B, 8 first, H, W) -> (B, 3, 4 H, 4 W), whose sigmoid is the picture."""
    channels = 2 * first
    return nn.Sequential(
        ConvBlock(2, 8 * first, channels, norm=norm),
        UpBlock(2, channels, channels, norm=norm),
        ResidualBlock(2, channels, norm=norm),
        UpBlock(2, channels, channels, norm=norm),
        _convolution(2, channels, 3, kernel=7),
    )

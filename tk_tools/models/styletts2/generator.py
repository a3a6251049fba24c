"""What HiFi-GAN's and iSTFTNet's generators under a style have in common.

Source: Kong et al., "HiFi-GAN", NeurIPS 2020; Ziyin et al., "Neural networks fail to learn periodic functions and how
to fix it", NeurIPS 2020 (snake); yl4579/StyleTTS2, Modules/hifigan.py and istftnet.py.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tk_tools.models.styletts2.excitation import Excitation
from tk_tools.models.styletts2.layers import StyledInstanceNorm
from tk_tools.models.styletts2.long_conv import LongConv1d
from tk_tools.models.styletts2.sizes import DecoderSizes
from tk_tools.models.styletts2.styled_snake import styled_snake
from tk_tools.nets.hifigan import with_weight_norm

KERNELS = (3, 7, 11)  # of the residual blocks behind each rate
DILATIONS = (1, 3, 5)
SOURCE_KERNEL, LAST_SOURCE_KERNEL = 7, 11  # of the blocks that the excitation goes through


def snake(x: Tensor, alpha: Tensor) -> Tensor:
    """x + sin(alpha x)^2 / alpha, alpha of each channel: (B, C, T) or (B, C, 1, T), (1, C, 1) -> the same."""
    alpha = alpha.view(1, -1, *[1] * (x.dim() - 2))
    return torch.addcdiv(x, torch.sin(alpha * x).square(), alpha)


def _scales(channels: int, count: int) -> nn.ParameterList:
    return nn.ParameterList(nn.Parameter(torch.ones(1, channels, 1)) for _ in range(count))


class StyledResidualBlock(nn.Module):
    """For each dilation two convolutions under a style beside their input: (B, C, T), (B, S) -> (B, C, T)."""

    def __init__(self, channels: int, kernel: int, style: int):
        super().__init__()

        def conv(dilation: int) -> nn.Module:
            return with_weight_norm(LongConv1d(channels, channels, kernel, dilation))

        count = len(DILATIONS)
        self.convs1 = nn.ModuleList(conv(dilation) for dilation in DILATIONS)
        self.convs2 = nn.ModuleList(conv(1) for _ in DILATIONS)
        self.adain1, self.adain2 = (
            nn.ModuleList(StyledInstanceNorm(style, channels) for _ in DILATIONS) for _ in range(2)
        )
        self.alpha1, self.alpha2 = _scales(channels, count), _scales(channels, count)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        parts = (self.convs1, self.adain1, self.alpha1, self.convs2, self.adain2, self.alpha2)
        for conv1, norm1, alpha1, conv2, norm2, alpha2 in zip(*parts, strict=True):
            y = conv1(styled_snake(x, *norm1.gamma_and_beta(style), alpha1))
            x = x + conv2(styled_snake(y, *norm2.gamma_and_beta(style), alpha2))
        return x


class Generator(nn.Module):
    """The stages of both kinds: each one's excitation, and the residual blocks behind it.

    An excitation of `sources` channels comes at the rate that the last stage ends with. in_rows: whether the layers
    were laid out for pictures of one row (`use_fast_layers`).
    """

    def __init__(self, sizes: DecoderSizes, style: int, sources: int):
        super().__init__()
        self.in_rows = False
        self.m_source = Excitation()
        self.noise_convs, self.noise_res = nn.ModuleList(), nn.ModuleList()
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        channels = sizes.generator_channels
        for place, rate in enumerate(sizes.rates):
            self.ups.append(with_weight_norm(self.up(channels, channels // 2, rate)))
            channels //= 2
            left = math.prod(sizes.rates[place + 1 :])
            if left > 1:
                source = nn.Conv1d(sources, channels, 2 * left, stride=left, padding=(left + 1) // 2)
            else:
                source = nn.Conv1d(sources, channels, 1)
            self.noise_convs.append(source)
            kernel = SOURCE_KERNEL if left > 1 else LAST_SOURCE_KERNEL
            self.noise_res.append(StyledResidualBlock(channels, kernel, style))
            self.resblocks.extend(StyledResidualBlock(channels, kernel, style) for kernel in KERNELS)
        self.channels = channels  # behind the last stage

    @staticmethod
    def up(channels_in: int, channels_out: int, rate: int) -> nn.ConvTranspose1d:
        """The layer that brings a sequence to `rate` times its length."""
        raise NotImplementedError

    def laid_out(self, x: Tensor) -> Tensor:
        """A sequence (B, C, T) as the layers take it."""
        return x.unsqueeze(2) if self.in_rows else x

    def sequence(self, x: Tensor) -> Tensor:
        """What the layers give as a sequence (B, C, T)."""
        return x.squeeze(2) if self.in_rows else x

    def blocks(self, stage: int, x: Tensor, style: Tensor) -> Tensor:
        """The mean of the residual blocks behind a stage."""
        count = len(KERNELS)
        found = [block(x, style) for block in self.resblocks[stage * count : (stage + 1) * count]]
        return sum(found[1:], found[0]) / count

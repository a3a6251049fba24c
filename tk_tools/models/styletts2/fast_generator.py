"""A generator that gives the same numbers sooner, for inference on a processor in single precision.

Sequences become pictures of one row whose channels lie together (see tk_tools.nets.hifigan), large kernels over many
channels go through Fourier transforms, and norm, style and snake are taken together, piece by piece.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from tk_tools.models.styletts2.generator import Generator, StyledResidualBlock
from tk_tools.models.styletts2.layers import EPSILON, StyledInstanceNorm
from tk_tools.nets.fourier_rows import FourierRows, pays
from tk_tools.nets.hifigan import fold_weight_norm, lay_in_rows

VALUES_AT_ONCE = 1 << 15  # they stay in the processor's cache


class FastBlock(nn.Module):
    """The styled residual block that it is made from, for (B, C, 1, T) whose channels lie together."""

    def __init__(self, block: StyledResidualBlock):
        super().__init__()
        self.adain1, self.adain2 = block.adain1, block.adain2
        self.convs1, self.convs2 = (
            nn.ModuleList(FourierRows(conv) if pays(conv) else conv for conv in convs)
            for convs in (block.convs1, block.convs2)
        )
        self.alpha1, self.alpha2 = (
            [alpha.detach().flatten() for alpha in part] for part in (block.alpha1, block.alpha2)
        )

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        parts = (self.convs1, self.adain1, self.alpha1, self.convs2, self.adain2, self.alpha2)
        for conv1, norm1, alpha1, conv2, norm2, alpha2 in zip(*parts, strict=True):
            y = conv1(_norm_and_snake(x, norm1, style, alpha1))
            x = conv2(_norm_and_snake(y, norm2, style, alpha2)).add_(x)
        return x


def use_fast_layers(generator: Generator) -> None:
    """Make a generator fast, in place and for good: nothing can be trained or saved from it."""
    fold_weight_norm(generator)
    lay_in_rows(generator)
    for blocks in (generator.noise_res, generator.resblocks):
        for place, block in enumerate(blocks):
            blocks[place] = FastBlock(block)
    generator.in_rows = True


def _norm_and_snake(x: Tensor, norm: StyledInstanceNorm, style: Tensor, alpha: Tensor) -> Tensor:
    rows = x.permute(0, 2, 3, 1).contiguous().flatten(1, 2)  # (B, T, C)
    mean = rows.mean(dim=1, keepdim=True)
    variance = sum((part - mean).square_().sum(dim=1, keepdim=True) for part in _pieces(rows)) / rows.shape[1]
    gamma, beta = norm.fc(style).unsqueeze(1).chunk(2, dim=-1)
    scale = (1 + gamma) * torch.rsqrt(variance + EPSILON)
    shift = beta - mean * scale
    alpha = alpha.view(-1)
    inverse, turn, begin = 1 / alpha, scale * alpha, shift * alpha
    made = torch.empty_like(rows)
    for part, target in zip(_pieces(rows), _pieces(made), strict=True):
        waves = torch.addcmul(begin, part, turn).sin_().square_()
        torch.addcmul(shift, part, scale, out=target).addcmul_(waves, inverse)
    return made.unsqueeze(1).permute(0, 3, 1, 2)


def _pieces(rows: Tensor) -> Iterator[Tensor]:
    """(B, T, C) in pieces along T."""
    batch, _, channels = rows.shape
    return iter(rows.split(max(1, VALUES_AT_ONCE // (batch * channels)), dim=1))

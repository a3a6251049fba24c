"""Layers that give the same numbers sooner, for inference on a processor in single precision."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from tk_tools.models.diffvc.blocks import Block
from tk_tools.nets.winograd import WinogradConv2d

LEAST_CHANNELS = 64  # with fewer, Winograd's transforms cost what his products save
VALUES_AT_ONCE = 1 << 16  # they stay in the processor's cache
LARGEST = 20.0  # from here on Mish(x) is x in single precision


class PointwiseConv2d(nn.Module):
    """The convolution 1x1 that it is made from, as one product of matrices: (B, C_in, H, W) -> (B, C_out, H, W)."""

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        self.register_buffer("weight", conv.weight.detach()[:, :, 0, 0])
        self.register_buffer("bias", None if conv.bias is None else conv.bias.detach())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x.permute(0, 2, 3, 1), self.weight, self.bias).permute(0, 3, 1, 2)


class MishInPlace(nn.Module):
    """Mish of pictures (B, C, H, W), piece by piece: x tanh(log(1 + e^x)) = x p / (p + 2) with p = e^x (e^x + 2)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        values = x.permute(0, 2, 3, 1).contiguous()
        for part in values.view(-1).split(VALUES_AT_ONCE):
            power = part.clamp(max=LARGEST).exp_()
            power.mul_(power + 2)
            part.mul_(power).div_(power.add_(2))
        return values.permute(0, 3, 1, 2)


def use_fast_layers(network: nn.Module) -> None:
    """Replace the layers of a network for which there are faster ones, in place; pictures are then channels-last."""
    if isinstance(network, Block):
        network.block[2] = MishInPlace()
    for name, layer in network.named_children():
        if type(layer) is not nn.Conv2d:
            use_fast_layers(layer)
        elif layer.kernel_size == (1, 1):
            setattr(network, name, PointwiseConv2d(layer))
        elif layer.kernel_size == (3, 3) and layer.stride == (1, 1) and layer.in_channels >= LEAST_CHANNELS:
            setattr(network, name, WinogradConv2d(layer))

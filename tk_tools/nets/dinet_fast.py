"""Layers of DINet and LawDNet that give the same numbers sooner, for inference on a processor in single precision."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tk_tools.nets.dinet_layers import ConvBlock, PairBlock, ResidualBlock, UpBlock
from tk_tools.nets.fourier_conv import FourierConv2d
from tk_tools.nets.thin_conv import ThinConv2d
from tk_tools.nets.winograd import WinogradConv2d

LEAST_CHANNELS = 64  # with fewer, the transforms cost what their products save
LARGE_KERNEL = 7


class _FastUpBlock(nn.Module):
    """UpBlock without the enlarged picture."""

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        self.conv = WinogradConv2d(conv, enlarge=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.conv(x), inplace=True)


class _FastPairBlock(nn.Module):
    """PairBlock with a convolution for each of the two pictures."""

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        channels = conv.in_channels // 2
        halves = []
        for part in (slice(None, channels), slice(channels, None)):
            half = nn.Conv2d(channels, conv.out_channels, kernel_size=conv.kernel_size, padding=conv.padding)
            half.weight.data, half.bias.data = conv.weight.data[:, part], conv.bias.data
            halves.append(half)
        halves[1].bias.data = torch.zeros_like(conv.bias)
        self.first, self.second = (WinogradConv2d(half) for half in halves)

    def share(self, second: torch.Tensor) -> torch.Tensor:
        return self.second(second)

    def forward(self, first: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.first(first) + share, inplace=True)


@torch.inference_mode(mode=False)  # tensors made in that mode could not be rearranged
def use_fast_layers(network: nn.Module) -> None:
    """Replace the layers of a network in eval mode for which there are faster ones, and fold its batch norms into the
    convolutions before them; in place and for good."""
    for name, layer in network.named_children():
        setattr(network, name, _fast(layer))


def _fast(layer: nn.Module) -> nn.Module:
    if isinstance(layer, ConvBlock) and layer.has_norm:
        layer.conv, layer.has_norm = fuse_conv_bn_eval(layer.conv, layer.norm), False
        del layer.norm
    elif isinstance(layer, ResidualBlock) and layer.has_norm:
        layer.conv1, layer.norm2 = fuse_conv_bn_eval(layer.conv1, layer.norm2), nn.Identity()
    if isinstance(layer, UpBlock) and _has_channels(layer.conv):
        return _FastUpBlock(layer.conv)
    if isinstance(layer, PairBlock) and _has_channels(layer.conv):
        return _FastPairBlock(layer.conv)
    if type(layer) is nn.Conv2d and layer.stride == (1, 1) and _has_channels(layer):
        if layer.kernel_size[0] < LARGE_KERNEL:
            return WinogradConv2d(layer) if layer.kernel_size == (3, 3) else layer
        return FourierConv2d(layer) if layer.out_channels >= LEAST_CHANNELS else ThinConv2d(layer)
    if not isinstance(layer, UpBlock | PairBlock):
        use_fast_layers(layer)
    return layer


def _has_channels(conv: nn.Module) -> bool:
    return conv.in_channels >= LEAST_CHANNELS

"""HiFi-GAN's generator: log-mel -> waveform, with weight norm as published and without it for speed.

State dicts bear the published keys (weight_g and weight_v of each layer with weight norm), both ways.

Source: Kong et al., "HiFi-GAN: Generative Adversarial Networks for Efficient and High Fidelity Speech Synthesis",
NeurIPS 2020; jik876/hifi-gan, models.py and config_v1.json.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations

SLOPE, LAST_SLOPE = 0.1, 0.01  # of the leaky ReLUs


@dataclass(frozen=True)
class HiFiGANConfig:
    """Sizes of V1: mel bands, channels behind the first layer; rate and kernel of each stage; kernels and dilations of
    the residual blocks behind each. The rates' product is the hop length of the mel."""

    bands: int = 80
    channels: int = 512
    rates: tuple[int, ...] = (8, 8, 2, 2)
    kernels: tuple[int, ...] = (16, 16, 4, 4)
    block_kernels: tuple[int, ...] = (3, 7, 11)
    dilations: tuple[int, ...] = (1, 3, 5)


def with_weight_norm(layer: nn.Module) -> nn.Module:
    """The layer with weight norm, whose state dict says weight_g and weight_v as the published files do."""
    layer = weight_norm(layer)  # it reads those names itself
    layer.register_state_dict_post_hook(_name_as_published)
    return layer


def _name_as_published(layer: nn.Module, state: dict, prefix: str, metadata: dict) -> None:
    for own, published in (("original0", "weight_g"), ("original1", "weight_v")):
        if (key := f"{prefix}parametrizations.weight.{own}") in state:
            state[f"{prefix}{published}"] = state.pop(key)


def _conv(channels_in: int, channels_out: int, kernel: int, dilation: int = 1) -> nn.Module:
    padding = dilation * (kernel - 1) // 2
    return with_weight_norm(nn.Conv1d(channels_in, channels_out, kernel, dilation=dilation, padding=padding))


class ResidualBlock(nn.Module):
    """For each dilation two convolutions beside their input: (B, C, T) -> the same."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]):
        super().__init__()
        self.convs1 = nn.ModuleList(_conv(channels, channels, kernel, dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(_conv(channels, channels, kernel) for _ in dilations)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            y = plain(functional.leaky_relu(dilated(functional.leaky_relu(x, SLOPE)), SLOPE, inplace=True))
            x = y.add_(x)
        return x


class HiFiGAN(nn.Module):
    """Log-mel (B, 80, T) of the front end `diffvc` -> waveform (B, 1, 256 T) in -1..1."""

    def __init__(self, config: HiFiGANConfig = HiFiGANConfig()):
        super().__init__()
        self.config = config
        self.in_rows = False
        self.conv_pre = _conv(config.bands, config.channels, kernel=7)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        channels = config.channels
        for rate, kernel in zip(config.rates, config.kernels, strict=True):
            up = nn.ConvTranspose1d(channels, channels // 2, kernel, stride=rate, padding=(kernel - rate) // 2)
            self.ups.append(with_weight_norm(up))
            channels //= 2
            self.resblocks.extend(ResidualBlock(channels, size, config.dilations) for size in config.block_kernels)
        self.conv_post = _conv(channels, 1, kernel=7)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        x = self.conv_pre(mel.unsqueeze(2) if self.in_rows else mel)
        count = len(self.config.block_kernels)
        for stage, up in enumerate(self.ups):
            x = up(functional.leaky_relu(x, SLOPE, inplace=True))
            first, *others = self.resblocks[stage * count : (stage + 1) * count]
            total = first(x)
            for block in others:
                total = total.add_(block(x))
            x = total.div_(count)
        x = torch.tanh(self.conv_post(functional.leaky_relu(x, LAST_SLOPE, inplace=True)))
        return x.squeeze(2) if self.in_rows else x

    @property
    def context(self) -> int:
        """Frames to both sides that the samples of a frame depend on."""
        config = self.config
        kernel = max(config.block_kernels)
        block = sum((kernel - 1) // 2 * (dilation + 1) for dilation in config.dilations)
        reach, rate = 3.0, 1  # of conv_pre, in frames; samples a frame so far
        for up, size in zip(config.rates, config.kernels, strict=True):
            reach += (size + up) / (2 * up * rate)
            rate *= up
            reach += block / rate
        return math.ceil(reach + 3 / rate)  # conv_post

    def without_weight_norm(self) -> HiFiGAN:
        """The same network with its weights folded, in place, for inference."""
        fold_weight_norm(self)
        return self

    def for_inference(self) -> HiFiGAN:
        """The same numbers, sooner, in place and for good: nothing can be trained or saved from it.

        Call it on the device that it will run on. On a processor sequences become pictures of one row whose channels
        lie together, for which the same convolutions are up to four times as fast.
        """
        self.without_weight_norm().eval().requires_grad_(False)
        if self.conv_post.weight.device.type == "cpu":
            lay_in_rows(self)
            self.in_rows = True
        return self


def fold_weight_norm(network: nn.Module) -> None:
    """Give each layer with weight norm the weight that it comes to, in place."""
    for module in network.modules():
        if is_parametrized(module, "weight"):
            remove_parametrizations(module, "weight")


def lay_in_rows(network: nn.Module) -> None:
    """Replace each convolution of sequences by that of pictures of one row, in place; without weight norm, for good."""
    for name, layer in network.named_children():
        if isinstance(layer, nn.Conv1d | nn.ConvTranspose1d):
            back = isinstance(layer, nn.ConvTranspose1d)
            kind = nn.ConvTranspose2d if back else nn.Conv2d
            row = kind(
                layer.in_channels,
                layer.out_channels,
                kernel_size=(1, *layer.kernel_size),
                stride=(1, *layer.stride),
                padding=(0, *layer.padding),
                dilation=(1, *layer.dilation),
                **({"output_padding": (0, *layer.output_padding)} if back else {}),
            )
            row.weight.data, row.bias.data = layer.weight.data.unsqueeze(2), layer.bias.data
            setattr(network, name, row.requires_grad_(False).to(memory_format=torch.channels_last))
        else:
            lay_in_rows(layer)

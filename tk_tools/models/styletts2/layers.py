"""Layers that several of StyleTTS 2's networks have in common."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from tk_tools.nets.hifigan import with_weight_norm

SLOPE = 0.2  # of the leaky ReLUs, where nothing else is said
EPSILON = 1e-5  # of the norms
UNIT = 1 / math.sqrt(2)  # keeps the variance of a sum of two


def recur(lstm: nn.LSTM, x: Tensor, lengths: Tensor) -> Tensor:
    """A bidirectional LSTM over items of their own lengths: (B, T, C) -> (B, T, 2 H), zero behind each item's end."""
    if int(lengths.min()) == x.shape[1]:
        return lstm(x)[0]
    packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=x.shape[1])[0]


class Projection(nn.Module):
    """A linear layer, begun by Glorot's rule; its name in published files is `linear_layer`."""

    def __init__(self, features_in: int, features_out: int, bias: bool = True, gain: str = "linear"):
        super().__init__()
        self.linear_layer = nn.Linear(features_in, features_out, bias=bias)
        nn.init.xavier_uniform_(self.linear_layer.weight, gain=nn.init.calculate_gain(gain))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear_layer(x)


class StyledScale(nn.Module):
    """gamma and beta from a style: what is normalised becomes (1 + gamma) x + beta."""

    def __init__(self, style: int, channels: int):
        super().__init__()
        self.fc = nn.Linear(style, 2 * channels)


class StyledInstanceNorm(StyledScale):
    """Instance norm over time, scaled and moved by a style: (B, C, T), (B, S) -> (B, C, T)."""

    def gamma_and_beta(self, style: Tensor) -> tuple[Tensor, Tensor]:
        """(B, S) -> (B, C, 1) each."""
        return self.fc(style).unsqueeze(-1).chunk(2, dim=1)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        gamma, beta = self.gamma_and_beta(style)
        return torch.addcmul(beta, 1 + gamma, functional.instance_norm(x, eps=EPSILON))


class StyledLayerNorm(StyledScale):
    """Layer norm over channels, scaled and moved by a style: (B, T, C), (B, S) -> (B, T, C)."""

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        gamma, beta = self.fc(style).unsqueeze(1).chunk(2, dim=-1)
        return torch.addcmul(beta, 1 + gamma, functional.layer_norm(x, x.shape[-1:], eps=EPSILON))


class StyledBlock(nn.Module):
    """Two convolutions under a style beside a shortcut: (B, C_in, T), (B, S) -> (B, C_out, T, or 2 T if `twice`)."""

    def __init__(self, channels_in: int, channels_out: int, style: int, twice: bool = False, dropout: float = 0.0):
        super().__init__()
        self.conv1 = with_weight_norm(nn.Conv1d(channels_in, channels_out, 3, padding=1))
        self.conv2 = with_weight_norm(nn.Conv1d(channels_out, channels_out, 3, padding=1))
        self.norm1 = StyledInstanceNorm(style, channels_in)
        self.norm2 = StyledInstanceNorm(style, channels_out)
        self.dropout = nn.Dropout(dropout)
        self.twice = twice
        if channels_in != channels_out:
            self.conv1x1 = with_weight_norm(nn.Conv1d(channels_in, channels_out, 1, bias=False))
        if twice:
            self.pool = with_weight_norm(
                nn.ConvTranspose1d(
                    channels_in, channels_in, 3, stride=2, padding=1, output_padding=1, groups=channels_in
                )
            )

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        y = functional.leaky_relu(self.norm1(x, style), SLOPE)
        if self.twice:
            y = self.pool(y)
        y = self.conv1(self.dropout(y))
        y = functional.leaky_relu(self.norm2(y, style), SLOPE)
        y = self.conv2(self.dropout(y))
        if hasattr(self, "conv1x1"):  # before the values are doubled: each of them is multiplied once
            x = self.conv1x1(x)
        if self.twice:
            x = x.repeat_interleave(2, dim=-1)
        return (y + x) * UNIT

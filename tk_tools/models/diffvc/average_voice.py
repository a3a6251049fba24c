"""DiffVC's encoder: any speaker's mel -> that of an "average voice", each sound as all speakers say it on the whole.

Key names are the published ones. Source: Popov et al., ICLR 2022; huawei-noah/Speech-Backbones, DiffVC/model/encoder.py
and postnet.py, after the text encoder of Glow-TTS.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from tk_tools.models.diffvc.blocks import Block, FrameMask

WINDOW = 4  # frames to both sides that have relative positions
NORM_EPSILON = 1e-4


@dataclass(frozen=True)
class AverageVoiceConfig:
    """Sizes of the published encoder: bands, channels of the layers and inside them, heads, layers, of the picture
    network behind it (`picture_channels`); the two dropouts are those of training."""

    bands: int = 80
    channels: int = 192
    filters: int = 768
    heads: int = 2
    layers: int = 6
    picture_channels: int = 128
    prenet_dropout: float = 0.5
    dropout: float = 0.1


class ChannelNorm(nn.Module):
    """Layer norm over the channels of (B, C, T)."""

    def __init__(self, channels: int):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.layer_norm(x.mT, self.gamma.shape, self.gamma, self.beta, NORM_EPSILON).mT


class Prenet(nn.Module):
    """Three convolutions and a projection, added to the input: (B, C, T) -> the same."""

    def __init__(self, channels: int, dropout: float):
        super().__init__()
        self.conv_layers = nn.ModuleList(nn.Conv1d(channels, channels, kernel_size=5, padding=2) for _ in range(3))
        self.norm_layers = nn.ModuleList(ChannelNorm(channels) for _ in range(3))
        self.dropout = dropout
        self.proj = nn.Conv1d(channels, channels, kernel_size=1)
        nn.init.zeros_(self.proj.weight)
        nn.init.zeros_(self.proj.bias)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        y = x
        for conv, norm in zip(self.conv_layers, self.norm_layers, strict=True):
            y = functional.dropout(torch.relu(norm(conv(y * mask))), self.dropout, self.training)
        return (x + self.proj(y)) * mask


class RelativeAttention(nn.Module):
    """Self-attention over the whole of (B, C, T), with learned keys and values for near positions.

    The tables (1, 2 WINDOW + 1, C / heads) are shared by the heads; entry k stands for a distance of k - WINDOW.
    """

    def __init__(self, channels: int, heads: int):
        super().__init__()
        self.heads = heads
        width = channels // heads
        for name in ("emb_rel_k", "emb_rel_v"):
            table = torch.randn(1, 2 * WINDOW + 1, width) * width**-0.5
            self.register_parameter(name, nn.Parameter(table))
        for name in ("conv_q", "conv_k", "conv_v", "conv_o"):
            self.add_module(name, nn.Conv1d(channels, channels, kernel_size=1))
        for name in ("conv_q", "conv_k", "conv_v"):
            nn.init.xavier_uniform_(self.get_submodule(name).weight)

    def forward(self, x: torch.Tensor, mask: torch.Tensor, dropout: float) -> torch.Tensor:
        """mask (B, 1, T): 1 where there is sound."""
        q, k, v = (self._split(conv(x)) for conv in (self.conv_q, self.conv_k, self.conv_v))  # (B, heads, T, width)
        q = q / math.sqrt(q.shape[-1])
        scores = q @ k.mT + _from_distances(q @ self.emb_rel_k.mT)
        scores = scores.masked_fill((mask.unsqueeze(2) * mask.unsqueeze(-1)) == 0, -1e4)
        weights = functional.dropout(scores.softmax(dim=-1), dropout, self.training)
        y = weights @ v + _to_distances(weights) @ self.emb_rel_v
        return self.conv_o(y.mT.reshape(x.shape))

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        batch, channels, frames = x.shape
        return x.view(batch, self.heads, channels // self.heads, frames).mT


def _distances(frames: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """For each pair of frames the place in the tables (T, T), and whether it has one."""
    place = torch.arange(frames, device=device)
    apart = place[None, :] - place[:, None] + WINDOW
    return apart.clamp(0, 2 * WINDOW), (apart >= 0) & (apart <= 2 * WINDOW)


def _from_distances(scores: torch.Tensor) -> torch.Tensor:
    """(..., T, 2 WINDOW + 1), of each frame with each distance -> (..., T, T), 0 for those too far apart."""
    frames = scores.shape[-2]
    place, near = _distances(frames, scores.device)
    return scores.gather(-1, place.expand(*scores.shape[:-2], frames, frames)) * near


def _to_distances(weights: torch.Tensor) -> torch.Tensor:
    """(..., T, T) -> (..., T, 2 WINDOW + 1): the weights of the near frames by their distance, 0 beyond the ends."""
    frames = weights.shape[-1]
    padded = functional.pad(weights, (WINDOW, WINDOW))
    place = torch.arange(frames, device=weights.device)[:, None] + torch.arange(2 * WINDOW + 1, device=weights.device)
    return padded.gather(-1, place.expand(*weights.shape[:-2], frames, 2 * WINDOW + 1))


class FeedForward(nn.Module):
    """Two convolutions of kernel 3 with a ReLU between: (B, C, T) -> the same."""

    def __init__(self, channels: int, filters: int):
        super().__init__()
        self.conv_1 = nn.Conv1d(channels, filters, kernel_size=3, padding=1)
        self.conv_2 = nn.Conv1d(filters, channels, kernel_size=3, padding=1)

    def forward(self, x: torch.Tensor, mask: torch.Tensor, dropout: float) -> torch.Tensor:
        y = functional.dropout(torch.relu(self.conv_1(x * mask)), dropout, self.training)
        return self.conv_2(y * mask) * mask


class TransformerStack(nn.Module):
    """Layers of attention and convolutions, each added to what came in and normalised."""

    def __init__(self, config: AverageVoiceConfig):
        super().__init__()
        layers = range(config.layers)
        self.dropout = config.dropout
        self.attn_layers = nn.ModuleList(RelativeAttention(config.channels, config.heads) for _ in layers)
        self.norm_layers_1 = nn.ModuleList(ChannelNorm(config.channels) for _ in layers)
        self.ffn_layers = nn.ModuleList(FeedForward(config.channels, config.filters) for _ in layers)
        self.norm_layers_2 = nn.ModuleList(ChannelNorm(config.channels) for _ in layers)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        layers = zip(self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True)
        for attention, first_norm, feed_forward, second_norm in layers:
            x = x * mask
            y = functional.dropout(attention(x, mask, self.dropout), self.dropout, self.training)
            x = first_norm(x + y)
            y = functional.dropout(feed_forward(x, mask, self.dropout), self.dropout, self.training)
            x = second_norm(x + y)
        return x * mask


class MelEncoder(nn.Module):
    """Mel (B, 80, T) and mask (B, 1, T) -> (B, 80, T); what lies outside the mask is not 0."""

    def __init__(self, config: AverageVoiceConfig = AverageVoiceConfig()):
        super().__init__()
        self.init_proj = nn.Conv1d(config.bands, config.channels, kernel_size=1)
        self.prenet = Prenet(config.channels, config.prenet_dropout)
        self.encoder = TransformerStack(config)
        self.term_proj = nn.Conv1d(config.channels, config.bands, kernel_size=1)

    def forward(self, mel: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        x = self.prenet(self.init_proj(mel * mask), mask)
        return self.term_proj(self.encoder(x, mask) * mask)


class PictureResnet(nn.Module):
    """Two 7x7 blocks beside a 1x1 convolution: (B, C, 80, T) -> the same."""

    def __init__(self, channels: int):
        super().__init__()
        self.block1 = Block(channels, channels, kernel=7)
        self.block2 = Block(channels, channels, kernel=7)
        self.res = nn.Conv2d(channels, channels, kernel_size=1)

    def forward(self, x: torch.Tensor, mask: FrameMask) -> torch.Tensor:
        return self.block2(self.block1(x, mask), mask) + self.res(mask(x))


class PostNet(nn.Module):
    """The mel as a picture of one channel: (B, 80, T) and mask (B, 1, T) -> (B, 80, T), not masked."""

    def __init__(self, channels: int = 128):
        super().__init__()
        self.init_conv = nn.Conv2d(1, channels, kernel_size=1)
        self.res_block = PictureResnet(channels)
        self.final_conv = nn.Conv2d(channels, 1, kernel_size=1)

    def forward(self, mel: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        kept = FrameMask(mask.unsqueeze(1))
        x = self.res_block(self.init_conv((mel * mask).unsqueeze(1)), kept)
        return self.final_conv(kept(x)).squeeze(1)


class AverageVoice(nn.Module):
    """The whole encoder: log-mel (B, 80, T) of the front end `diffvc` and mask (B, 1, T) -> the average voice's."""

    def __init__(self, config: AverageVoiceConfig = AverageVoiceConfig()):
        super().__init__()
        self.config = config
        self.encoder = MelEncoder(config)
        self.postnet = PostNet(config.picture_channels)

    def forward(self, mel: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.postnet(self.encoder(mel, mask), mask)

    def set_dropout(self, prenet: float, layers: float) -> None:
        """Other shares of what is dropped in training than those of the config that it was built with."""
        self.encoder.prenet.dropout = prenet
        self.encoder.encoder.dropout = layers

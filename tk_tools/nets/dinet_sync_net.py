"""The SyncNet of DINet and LawDNet: do five mouths and the features of nine frames of speech belong together?

Key names are those of `syncnet_256mouth.pth`. Not the network of LSE (metrics/syncnet_v2.py).
Source: MRzzm/DINet, models/Syncnet.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from tk_tools.nets.dinet_layers import PUBLISHED_CHANNELS, ConvBlock, ResidualBlock, first_channels
from tk_tools.weights.load import load_strictly

MOUTHS = 5  # frames whose mouths are looked at: the middle ones
SPEECH_FRAMES = 9
SHRINKS = 32  # the mouth's side over the score map's


class PooledBlock(ConvBlock):
    """The block on pictures, then the average of 2x2."""

    def __init__(self, channels: int):
        super().__init__(axes=2, channels_in=channels, channels_out=channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.avg_pool2d(super().forward(x), kernel_size=2)


class _FaceEncoder(nn.Module):
    def __init__(self, first: int):
        super().__init__()
        wide = 2 * first
        layers: list[nn.Module] = [ConvBlock(2, 3 * MOUTHS, first, kernel=7)]
        for channels in (first, wide, wide, wide, wide):
            layers += [
                ResidualBlock(2, channels, relu_first=True),
                PooledBlock(channels),
                ConvBlock(2, channels, wide),
            ]
        layers[-1] = ConvBlock(2, wide, wide, kernel=1)
        self.face_conv = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.face_conv(x)


class _AudioEncoder(nn.Module):
    def __init__(self, channels_in: int, first: int):
        super().__init__()
        channels = 2 * first
        layers: list[nn.Module] = [ConvBlock(1, channels_in, channels, kernel=7)]
        for _ in range(3):
            layers += [ResidualBlock(1, channels, relu_first=True), ConvBlock(1, channels, channels, stride=2)]
        self.audio_conv = nn.Sequential(*layers, ConvBlock(1, channels, channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.audio_conv(x).mean(dim=2)


class SyncNet(nn.Module):
    """audio_channels: of the speech features (29 of DeepSpeech); `width` scales the inner channels."""

    def __init__(self, audio_channels: int = 29, width: float = 1.0):
        super().__init__()
        first = first_channels(width)
        self.audio_channels = audio_channels
        self.face_encoder = _FaceEncoder(first)
        self.audio_encoder = _AudioEncoder(audio_channels, first)
        self.merge_encoder = nn.Sequential(
            nn.Conv2d(4 * first, 2 * first, kernel_size=3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * first, 1, kernel_size=3, padding=1),
        )

    def forward(self, mouths: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        """(B, 15, M, M) RGB in 0..1 of five frames, (B, audio_channels, 9) -> (B, 1, M / 32, M / 32) scores.

        Of K sounds for each mouth, (K B, audio_channels, 9), they are those of all mouths with the first, and so on.
        Unbounded, towards 1 for in sync. The middle one of the nine frames is that of the five. M is a multiple of 32,
        256 as published.
        """
        face = self.face_encoder(mouths).repeat(len(audio) // len(mouths), 1, 1, 1)
        voice = self.audio_encoder(audio)[:, :, None, None].expand(-1, -1, *face.shape[2:])
        return self.merge_encoder(torch.cat([face, voice], dim=1))


def load_sync_net_state(state: Mapping[str, torch.Tensor], path: str | Path) -> SyncNet:
    """The SyncNet that a state dict holds, of any width, in eval mode. WeightsError: `path` holds another network."""
    try:
        audio_channels = state["audio_encoder.audio_conv.0.conv.weight"].shape[1]
        width = len(state["face_encoder.face_conv.0.conv.bias"]) / PUBLISHED_CHANNELS
        network = SyncNet(audio_channels, width)
    except (KeyError, IndexError):
        network = SyncNet()  # loading then names what is missing
    return load_strictly(network, state, path=path, what="the SyncNet of DINet and LawDNet").eval()

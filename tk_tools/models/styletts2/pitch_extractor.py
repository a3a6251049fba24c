"""The pitch extractor: a mel -> the pitch of each frame, differentiably.

State dicts bear the published keys (Utils/JDC/bst.t7) without those of the voice detector, which takes part in its
training alone (training/voice_detector.py).
Source: Kum and Nam, "Joint Detection and Classification of Singing Voice Melody Using Convolutional Recurrent Neural
Networks", 2019; yl4579/StyleTTS2, Utils/JDC.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

SLOPE = 0.01  # of the leaky ReLUs


@dataclass(frozen=True)
class PitchSizes:
    """The published sizes: channels of the first layer and of each block, features of the recurrent layer."""

    channels: tuple[int, ...] = (64, 128, 192, 256)
    features: int = 256
    bands: int = 80


def _conv(channels_in: int, channels_out: int) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)


class PoolingBlock(nn.Module):
    """Halves the bands, then two convolutions beside a shortcut: (B, C_in, T, F) -> (B, C_out, T, F / 2)."""

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__()
        self.pre_conv = nn.Sequential(nn.BatchNorm2d(channels_in), nn.LeakyReLU(SLOPE), nn.MaxPool2d((1, 2)))
        self.conv = nn.Sequential(
            _conv(channels_in, channels_out),
            nn.BatchNorm2d(channels_out),
            nn.LeakyReLU(SLOPE),
            _conv(channels_out, channels_out),
        )
        self.conv1by1 = nn.Conv2d(channels_in, channels_out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pre_conv(x)
        return self.conv(x) + self.conv1by1(x)


class PitchExtractor(nn.Module):
    """Normalised log-mel (B, 80, frames), front end `styletts2` -> pitch (B, frames) float32 in Hz, 0 or more."""

    def __init__(self, sizes: PitchSizes = PitchSizes()):
        super().__init__()
        self.sizes = sizes
        first, *_, last = sizes.channels
        self.conv_block = nn.Sequential(
            _conv(1, first), nn.BatchNorm2d(first), nn.LeakyReLU(SLOPE), _conv(first, first)
        )
        self.res_block1, self.res_block2, self.res_block3 = (
            PoolingBlock(*pair) for pair in zip(sizes.channels, sizes.channels[1:], strict=False)
        )
        self.pool_block = nn.Sequential(
            nn.BatchNorm2d(last), nn.LeakyReLU(SLOPE), nn.MaxPool2d((1, 4)), nn.Dropout(0.2)
        )
        left = sizes.bands // 32  # bands behind the four poolings
        self.bilstm_classifier = nn.LSTM(last * left, sizes.features, batch_first=True, bidirectional=True)
        self.classifier = nn.Linear(2 * sizes.features, 1)

    def forward(self, mel: Tensor) -> Tensor:
        return self.with_maps(mel)[0]

    def with_maps(self, mel: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The pitch, and the four maps that it comes from, (B, C, frames, bands) each, ever fewer bands."""
        maps = [self.conv_block(mel.mT.unsqueeze(1))]
        for block in (self.res_block1, self.res_block2):
            maps.append(block(maps[-1]))
        maps.append(self.pool_block(self.res_block3(maps[-1])))
        x, _ = self.bilstm_classifier(maps[-1].transpose(1, 2).flatten(start_dim=2))
        with torch.autocast(x.device.type, enabled=False):  # half precision tells pitch by whole Hz
            return self.classifier(x.float()).squeeze(-1).abs(), maps

"""Whether anybody speaks in each frame, told from the pitch extractor's maps: what it learns beside the pitch.

It is not handed on. Source: Kum and Nam, "Joint Detection and Classification of Singing Voice Melody Using
Convolutional Recurrent Neural Networks", 2019; yl4579/PitchExtractor, model.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tk_tools.models.styletts2.pitch_extractor import SLOPE, PitchSizes

DROPOUT = 0.5


class VoiceDetector(nn.Module):
    """The maps of PitchExtractor.with_maps -> logits (B, frames) of silence."""

    def __init__(self, sizes: PitchSizes = PitchSizes()):
        super().__init__()
        *_, last = sizes.channels
        self.left = sizes.bands // 32
        self.detector_conv = nn.Sequential(
            nn.Conv2d(sum(sizes.channels), last, 1, bias=False),
            nn.BatchNorm2d(last),
            nn.LeakyReLU(SLOPE),
            nn.Dropout(DROPOUT),
        )
        self.bilstm_detector = nn.LSTM(last * self.left, sizes.features, batch_first=True, bidirectional=True)
        self.detector = nn.Linear(2 * sizes.features, 1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        pooled = [seen.unflatten(-1, (self.left, -1)).amax(dim=-1) for seen in maps[:-1]]
        x = self.detector_conv(torch.cat([*pooled, maps[-1]], dim=1))
        x, _ = self.bilstm_detector(x.transpose(1, 2).flatten(start_dim=2))
        return self.detector(x).squeeze(-1)

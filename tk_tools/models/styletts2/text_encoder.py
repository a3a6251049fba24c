"""Phoneme ids -> what the decoder is told to say: convolutions, then a recurrent layer over the sentence.

State dicts bear the published keys. Source: Li et al., NeurIPS 2023, appendix; yl4579/StyleTTS2, models.py.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tk_tools.models.styletts2.layers import SLOPE, recur
from tk_tools.models.styletts2.sizes import Sizes
from tk_tools.nets.hifigan import with_weight_norm
from tk_tools.nets.padding import padding_mask

KERNEL = 5


class ChannelNorm(nn.Module):
    """Layer norm over the channels of (B, C, T), under the published names."""

    def __init__(self, channels: int):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x.mT, self.gamma.shape, self.gamma, self.beta, eps=1e-5).mT


class TextEncoder(nn.Module):
    """Ids (B, T) int64 and their counts (B,) -> (B, hidden, T), zero behind each item's end."""

    def __init__(self, sizes: Sizes = Sizes()):
        super().__init__()
        hidden = sizes.hidden
        self.embedding = nn.Embedding(sizes.symbols, hidden)
        self.cnn = nn.ModuleList(
            nn.Sequential(
                with_weight_norm(nn.Conv1d(hidden, hidden, KERNEL, padding=KERNEL // 2)),
                ChannelNorm(hidden),
                nn.LeakyReLU(SLOPE),
                nn.Dropout(0.2),
            )
            for _ in range(sizes.layers)
        )
        self.lstm = nn.LSTM(hidden, hidden // 2, batch_first=True, bidirectional=True)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        padding = padding_mask(lengths, tokens.shape[1]).unsqueeze(1)
        x = self.embedding(tokens).mT.masked_fill(padding, 0)
        for block in self.cnn:
            x = block(x).masked_fill(padding, 0)
        return recur(self.lstm, x.mT, lengths).mT

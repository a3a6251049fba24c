"""The prosody predictor: how long each phoneme lasts, and pitch and energy of each mel frame, under a style.

State dicts bear the published keys. Source: Li et al., NeurIPS 2023, section 3; yl4579/StyleTTS2, models.py.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from tk_tools.models.styletts2.layers import Projection, StyledBlock, StyledLayerNorm, recur
from tk_tools.models.styletts2.sizes import Sizes
from tk_tools.nets.padding import padding_mask


class Contour(NamedTuple):
    """Of each mel frame (two a step): pitch (B, 2 T) in Hz, unbounded, and energy (B, 2 T), the log norm of the mel;
    float32 both."""

    pitch: Tensor
    energy: Tensor


class DurationEncoder(nn.Module):
    """What PL-BERT knows of each token, (B, hidden, T), under a style (B, S) -> (B, T, hidden + S), zero on padding."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        width = sizes.hidden + sizes.style
        self.dropout = nn.Dropout(sizes.dropout)
        self.lstms = nn.ModuleList()  # and the norms between them, by turns, as published
        for _ in range(sizes.layers):
            self.lstms.append(nn.LSTM(width, sizes.hidden // 2, batch_first=True, bidirectional=True))
            self.lstms.append(StyledLayerNorm(sizes.style, sizes.hidden))

    def forward(self, known: Tensor, style: Tensor, lengths: Tensor) -> Tensor:
        padding = padding_mask(lengths, known.shape[-1]).unsqueeze(-1)
        beside = style.unsqueeze(1).expand(-1, known.shape[-1], -1)
        x = torch.cat([known.mT, beside], dim=-1).masked_fill(padding, 0)
        for lstm, norm in zip(self.lstms[::2], self.lstms[1::2], strict=True):
            x = norm(self.dropout(recur(lstm, x, lengths)), style)
            x = torch.cat([x, beside], dim=-1).masked_fill(padding, 0)
        return x


class ProsodyPredictor(nn.Module):
    """In three calls: `text_encoder`, `durations` of its result, `contour` of its result laid out over the steps."""

    def __init__(self, sizes: Sizes = Sizes()):
        super().__init__()
        hidden, style = sizes.hidden, sizes.style
        self.text_encoder = DurationEncoder(sizes)
        self.lstm = nn.LSTM(hidden + style, hidden // 2, batch_first=True, bidirectional=True)
        self.duration_proj = Projection(hidden, sizes.longest_duration)
        self.shared = nn.LSTM(hidden + style, hidden // 2, batch_first=True, bidirectional=True)
        self.F0, self.N = (
            nn.ModuleList(
                [
                    StyledBlock(hidden, hidden, style, dropout=sizes.dropout),
                    StyledBlock(hidden, hidden // 2, style, twice=True, dropout=sizes.dropout),
                    StyledBlock(hidden // 2, hidden // 2, style, dropout=sizes.dropout),
                ]
            )
            for _ in range(2)
        )
        self.F0_proj, self.N_proj = nn.Conv1d(hidden // 2, 1, 1), nn.Conv1d(hidden // 2, 1, 1)

    def durations(self, encoded: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, hidden + S) -> (B, T, 50) logits: the j-th says whether the token lasts longer than j steps, so that
        the sum of their sigmoids is how many it lasts."""
        x = recur(self.lstm, encoded, lengths)
        return self.duration_proj(functional.dropout(x, 0.5, self.training))

    def contour(self, laid_out: Tensor, style: Tensor) -> Contour:
        """(B, hidden + S, steps), (B, S) -> pitch and energy of twice as many frames."""
        shared = self.shared(laid_out.mT)[0].mT
        found = []
        for blocks, last in ((self.F0, self.F0_proj), (self.N, self.N_proj)):
            x = shared
            for block in blocks:
                x = block(x, style)
            with torch.autocast(x.device.type, enabled=False):  # half precision tells pitch by whole Hz
                found.append(last(x.float()).squeeze(1))
        return Contour(*found)

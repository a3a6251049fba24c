"""Which token each step of a recording is said on, by the text aligner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from tk_tools.models.styletts2.aligner import TextAligner
from tk_tools.nets.monotonic_alignment import maximum_path
from tk_tools.nets.padding import padding_mask


class Aligned(NamedTuple):
    """attention (B, T, steps): how much of each step is said on each token, 0 on the padding; path, of 0 and 1: the one
    token of each step, without gradient; logits (B, T + 1, symbols): the aligner's spelling."""

    attention: Tensor
    path: Tensor
    logits: Tensor


def align(aligner: TextAligner, batch: Mapping[str, Tensor], hidden: Tensor | None = None) -> Aligned:
    """Align the texts of a batch (data.py) with its mels; hidden (B, T) bool: tokens that the aligner is not told."""
    steps = batch["mel_lengths"] // 2
    padding = padding_mask(steps, batch["mel"].shape[-1] // 2)
    heard = aligner(batch["mel"], padding, batch["tokens"], hidden)
    absent = padding_mask(batch["token_lengths"], batch["tokens"].shape[1])
    attention = heard.attention[:, 1:].masked_fill(absent.unsqueeze(-1) | padding.unsqueeze(1), 0)
    path = maximum_path(attention, batch["token_lengths"], steps)
    return Aligned(attention, path, heard.logits)

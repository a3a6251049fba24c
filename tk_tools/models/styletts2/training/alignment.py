"""Text laid out over time: by the aligner's attention, or by the best path through it, and clips cut out of it.

Source: train_first.py of yl4579/StyleTTS2.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from tk_tools.nets.monotonic_alignment import maximum_path
from tk_tools.nets.padding import padding_mask

STRAIGHTNESS = 10.0  # of the loss below, before its own weight


class Alignment(NamedTuple):
    """How much of each token is said in each step, (B, T, steps), 0 on the padding: the attention, and 0 or 1 along the
    best path through it, which has no gradient."""

    attention: Tensor
    path: Tensor


def align(attention: Tensor, token_lengths: Tensor, steps: Tensor) -> Alignment:
    """attention (B, T + 1, steps) of the aligner, START's row first; token_lengths and steps (B,) count the items'.

    ValueError: an item has more tokens than steps.
    """
    tokens = attention.shape[1] - 1
    attention = attention[:, 1:].masked_fill(padding_mask(token_lengths, tokens).unsqueeze(-1), 0)
    return Alignment(attention, maximum_path(attention, token_lengths, steps))


def straightness_loss(alignment: Alignment) -> Tensor:
    """How far the attention is from the path, a scalar."""
    return STRAIGHTNESS * functional.l1_loss(alignment.attention.float(), alignment.path.float())


class Place(NamedTuple):
    """Where the clips of a batch are: the first step of each, and the steps of all of them."""

    starts: list[int]
    size: int

    def cut(self, x: Tensor, unit: int = 1) -> Tensor:
        """(B, ..., T) of which `unit` places are a step -> (B, ..., unit * size)."""
        return torch.stack(
            [own[..., unit * start : unit * (start + self.size)] for own, start in zip(x, self.starts, strict=True)]
        )


def draw_place(steps: Tensor, longest: int) -> Place:
    """Clips of equal length, a step shorter than the shortest item or `longest` steps, of items of steps (B,)."""
    lengths = steps.tolist()
    size = min(min(lengths) - 1, longest)
    return Place([int(torch.randint(length - size, ())) for length in lengths], size)

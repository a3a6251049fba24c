"""Clips of one length, cut out of a batch of recordings at places that are drawn."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def clip_steps(lengths: Tensor, longest: int | None = None) -> int:
    """Steps of the clips that are cut out of items of `lengths` (B,) steps: a step less than the shortest has, and not
    more than `longest`."""
    shortest = int(lengths.min()) - 1
    return shortest if longest is None else min(shortest, longest)


def draw_starts(lengths: Tensor, size: int) -> list[int]:
    """Where clips of `size` steps begin in items of `lengths` (B,) steps, which all have more."""
    return [int(torch.randint(length - size, ())) for length in lengths.tolist()]


def cut(x: Tensor, starts: Sequence[int], size: int, unit: int = 1) -> Tensor:
    """(B, ..., T) -> (B, ..., size * unit): of each item `size` steps from its start on, each `unit` long in T."""
    clips = [own[..., start * unit : (start + size) * unit] for own, start in zip(x, starts, strict=True)]
    return torch.stack(clips)

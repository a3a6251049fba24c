"""Batches as the networks take them, and sample pictures of a training: masked, made and real side by side."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from torch import Tensor


def to_network(pictures: Tensor) -> Tensor:
    """(..., h, w, 3) uint8 RGB -> (..., 3, h, w) float32 in 0..1."""
    return pictures.movedim(-1, -3).float().div_(255)


def stacked(pictures: Tensor) -> Tensor:
    """(..., n, c, h, w) -> (..., n c, h, w): several pictures as the channels of one."""
    return pictures.flatten(start_dim=-4, end_dim=-3)


def time_first(clips: Tensor) -> Tensor:
    """(B, T, ...) -> (T B, ...): frame t of clip b is row t B + b, as in the originals."""
    return clips.transpose(0, 1).flatten(end_dim=1)


def as_clips(frames: Tensor, count: int) -> Tensor:
    """(T B, c, h, w), time first -> (B, T c, h, w) of `count` frames T: each clip's pictures as channels of one."""
    return stacked(frames.unflatten(0, (count, -1)).transpose(0, 1))


def to_pictures(made: Tensor) -> np.ndarray:
    """(B, 3, h, w) RGB in 0..1 -> (B, h, w, 3) uint8."""
    return made.float().mul(255).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()


def write_rows(path: Path, *columns: Tensor) -> None:
    """A png with a row for each picture of the columns, (B, 3, h, w) RGB in 0..1 each."""
    rows = [np.concatenate(row, axis=1) for row in zip(*map(to_pictures, columns), strict=True)]
    cv2.imwrite(str(path), np.concatenate(rows)[..., ::-1])

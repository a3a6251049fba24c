"""What of an aligned crop is hidden from the network that is to paint it anew, and what of its picture is put back.

For a mouth m pixels wide the crop is 1.25 m wide and 1.3 times that high; the mouth is a square in it.
Source: SmoothSqMask in tensor_processing.py, iPaw-AI-LAB/LawDNet_2024 (soft); dataset/, MRzzm/DINet (square).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

# Of the soft mask: drawn in a small picture, blurred, stretched over the crop.
_SMALL = (103, 80)
_SMALL_HOLE = np.s_[32:96, 8:72]
_BLUR = 1.0  # standard deviation, pixels of the small picture


def crop_size(mouth: int) -> tuple[int, int]:
    """Height and width of the crop around a mouth of so many pixels: (416, 320) for 256."""
    width = mouth + mouth // 4
    return 3 * (mouth // 2) + mouth // 8, width


def mouth_of(width: int) -> int:
    """The mouth's pixels in a crop of this width."""
    return width * 4 // 5


def mouth_square(mouth: int) -> tuple[slice, slice]:
    """Rows and columns of the mouth in its crop."""
    return slice(mouth // 2, mouth // 2 + mouth), slice(mouth // 8, mouth // 8 + mouth)


@lru_cache(maxsize=8)
def soft_mask(height: int, width: int) -> np.ndarray:
    """(height, width) float32 by which LawDNet's source is multiplied: 0 over the mouth, 1 outside, soft between."""
    import torch
    from torch.nn import functional

    hole = np.zeros(_SMALL, np.float32)
    hole[_SMALL_HOLE] = 1
    weights = np.exp(-0.5 * (np.arange(-2, 3) / _BLUR) ** 2)
    kernel = torch.from_numpy((weights[:, None] * weights / weights.sum() ** 2).astype(np.float32))
    blurred = functional.conv2d(torch.from_numpy(hole)[None, None], kernel[None, None])  # smaller by the kernel
    stretched = functional.interpolate(blurred, size=(height, width), mode="bilinear", antialias=True)
    mask = 1 - stretched[0, 0].numpy()
    mask.setflags(write=False)
    return mask


@lru_cache(maxsize=8)
def square_mask(height: int, width: int) -> np.ndarray:
    """(height, width) float32 by which DINet's source is multiplied: 0 in the mouth's square, 1 outside."""
    mask = np.ones((height, width), np.float32)
    mask[mouth_square(mouth_of(width))] = 0
    mask.setflags(write=False)
    return mask

"""How large a crop is for a mouth of m pixels, and where in it the mouth lies (MRzzm/DINet, dataset_DINet_frame.py)."""

from __future__ import annotations


def picture_size(mouth: int) -> tuple[int, int]:
    """(height, width) of the crop around a square mouth of `mouth` pixels: 104x80 for 64, 416x320 for 256."""
    radius = mouth // 2
    return 3 * radius + radius // 4, 2 * radius + 2 * (radius // 4)


def mouth_square(mouth: int) -> tuple[slice, slice]:
    """Rows and columns of the mouth in that crop."""
    top, left = mouth // 2, mouth // 8
    return slice(top, top + mouth), slice(left, left + mouth)

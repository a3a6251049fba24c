"""Wav2Lip's own treatment of face boxes: pads, and a running mean of five frames that works in place on integers.

Only for repeating the original's frames; tk-crop-face smooths without its quirks. Source: Rudrabha/Wav2Lip
inference.py.
"""

from __future__ import annotations

import numpy as np

SMOOTHING_FRAMES = 5


def pad_boxes(rectangles: np.ndarray, pads: tuple[int, int, int, int], height: int, width: int) -> np.ndarray:
    """Rectangles (N, 4) x1, y1, x2, y2, grown by pads (top, bottom, left, right) px and kept within the
    picture: the same.
    """
    top, bottom, left, right = pads
    x1, y1, x2, y2 = np.asarray(rectangles).T
    return np.stack(
        [
            np.maximum(x1 - left, 0),
            np.maximum(y1 - top, 0),
            np.minimum(x2 + right, width),
            np.minimum(y2 + bottom, height),
        ],
        axis=1,
    )


def smooth_boxes(boxes: np.ndarray) -> np.ndarray:
    """Integer boxes (N, 4): box i becomes the truncated mean of boxes i .. i + 4.

    For the last four it is the mean of the last five as already changed; with fewer than five boxes the
    slice from -5 + ... wraps as in the original: of four boxes all take the last one, of three the mean of
    the last two, of two that of both.
    """
    boxes = np.array(boxes, dtype=np.int64)
    count = len(boxes)
    for i in range(count):
        # A slice that begins before the first box starts over from the end, as Python's negative indices do.
        start = min(i, count - SMOOTHING_FRAMES)
        window = boxes[start : i + SMOOTHING_FRAMES] if start == i else boxes[start:]
        boxes[i] = window.mean(axis=0)
    return boxes


def reference_boxes(
    rectangles: np.ndarray, pads: tuple[int, int, int, int], height: int, width: int, smooth: bool = True
) -> np.ndarray:
    """Detector rectangles (N, 4) x1, y1, x2, y2 -> the boxes that the original inference pastes into, alike."""
    boxes = pad_boxes(rectangles, pads=pads, height=height, width=width)
    return smooth_boxes(boxes) if smooth else boxes

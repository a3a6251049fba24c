"""CPBD: how sharp one picture is, without a reference; the share of its edges that look sharp, 0 to 1.

An edge is wide as the intensity across it keeps rising (or falling), and looks sharp when it is no wider than what is
just noticed as blur at the contrast of its block. Source: Narvekar and Karam, "A no-reference image blur metric based
on the cumulative probability of blur detection", 2011; the package cpbd 1.0.7, whose numbers these are.
"""

from __future__ import annotations

import cv2
import numpy as np

BLOCK = 64  # px; what is left over at the right and the bottom is not looked at
EDGE_SHARE = 0.002  # of a block's pixels, to be taken as one with edges
CONTRAST = 50  # levels; blocks of more are judged more strictly
JUST_NOTICEABLE = (5, 3)  # px: widths just noticed as blur, at CONTRAST and below, and above
# The probability that blur is seen, 1 - exp(-(width / just noticeable) ** 3.6), is 63 % at the width just noticeable,
# and edges of up to 63 % are counted: those that are no wider.
_REACH = max(JUST_NOTICEABLE) - 1  # px to either side; beyond it an edge is too wide in any block
_TAN_22_5 = np.tan(np.pi / 8)  # gradients are sorted into eight directions


def cpbd(grey: np.ndarray) -> float | None:
    """Sharpness of (H, W) uint8; 0 also without any edge, None for a picture smaller than a block."""
    from skimage.feature import canny

    rows, columns = (side // BLOCK for side in grey.shape)
    if not rows or not columns:
        return None
    widths = edge_widths(grey)
    edges = _blocks(canny(grey.astype(np.float64)), rows, columns).sum(axis=-1)
    has_edges = edges > EDGE_SHARE * BLOCK**2
    levels = _blocks(grey, rows, columns)
    strict = levels.max(axis=-1).astype(int) - levels.min(axis=-1) > CONTRAST
    widths = _blocks(widths, rows, columns)[has_edges]
    limits = np.where(strict, JUST_NOTICEABLE[1], JUST_NOTICEABLE[0])[has_edges]
    measured = widths > 0
    sharp = measured & (widths <= limits[:, None])
    return float(sharp.sum() / measured.sum()) if measured.any() else 0.0


def edge_widths(grey: np.ndarray) -> np.ndarray:
    """Widths of the upright edges of (H, W) uint8 in px, as far as they matter: too wide ones are cut off over
    2 * JUST_NOTICEABLE[0]. (H, W) uint8, 0 where there is no edge.
    """
    height, width = grey.shape
    values = grey.astype(np.int16)
    across = np.empty_like(values)  # twice the gradient, one-sided at the borders
    across[:, 1:-1] = values[:, 2:] - values[:, :-2]
    across[:, [0, -1]] = 2 * (values[:, [1, -1]] - values[:, [0, -2]])
    down = np.empty_like(values)
    down[1:-1] = values[2:] - values[:-2]
    down[[0, -1]] = 2 * (values[[1, -1]] - values[[0, -2]])
    if not ((across != 0) & ((down != 0) | (across < 0))).any():
        return np.zeros(grey.shape, np.uint8)  # no direction at all: the reference then measures no edge
    upright = (across == 0) | (np.abs(down) <= _TAN_22_5 * np.abs(across))
    edges = _sobel_edges(grey) & upright
    edges[[0, -1]] = edges[:, [0, -1]] = False
    steps = np.sign(np.diff(values, axis=1)).astype(np.int8)  # from each pixel to the one on its right
    direction = np.where(across < 0, -1, 1).astype(np.int8)
    y, x = np.nonzero(edges)
    rising = direction[y, x]
    found = np.full(len(y), 2, np.uint8)
    padded = np.pad(steps, ((0, 0), (_REACH + 2, _REACH + 2)))  # beyond the picture nothing rises
    for side in (-1, 1):
        going = np.ones(len(y), bool)
        for reach in range(_REACH):
            # The reference begins one pixel away from the edge: x - 2 to x - 1, and x + 1 to x + 2.
            step = padded[y, x + _REACH + 2 + (reach + 1 if side > 0 else -reach - 2)]
            going &= step == rising
            found += going
    widths = np.zeros((height, width), np.uint8)
    widths[y, x] = found
    return widths


def _sobel_edges(grey: np.ndarray) -> np.ndarray:
    """(H, W) bool: where the squared slope across exceeds the picture's threshold and is the greatest of its row or
    column neighbours."""
    slope = cv2.Sobel(grey, cv2.CV_32F, dx=1, dy=0, ksize=3, scale=1 / 8, borderType=cv2.BORDER_REFLECT)
    strength = slope * slope  # multiples of 1/64 below 2**16: exact
    strength[strength <= 2 * np.sqrt(strength.mean(dtype=np.float64))] = 0
    padded = np.pad(strength, 1)
    along_row = (strength > padded[1:-1, :-2]) & (strength > padded[1:-1, 2:])
    along_column = (strength > padded[:-2, 1:-1]) & (strength > padded[2:, 1:-1])
    return along_row | along_column


def _blocks(values: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """(H, W) -> (rows * columns, BLOCK * BLOCK)."""
    whole = values[: rows * BLOCK, : columns * BLOCK]
    return whole.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2).reshape(rows * columns, BLOCK * BLOCK)

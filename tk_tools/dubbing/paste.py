"""Puts a crop that was painted anew back into its picture: warped inversely, with a soft edge, inside the crop alone.

For each pixel of the picture the crop is sampled, so that no hole is left at any scale; the published code goes from
the crop to the picture, which leaves a grid where the head is larger than the crop, and writes beyond its borders.
Where the network changed nothing, the picture keeps the detail that the crop is too coarse for.
"""

from __future__ import annotations

from functools import lru_cache, reduce

import cv2
import numpy as np

from tk_tools.face.warp import covered, shifted

_SEEN = 0.99  # of the mask: from here on the network saw the pixel as it is
_CHANGED = 12  # levels by which a pixel is painted anew: none of the picture's detail stays
_WHOLE = 255  # full weight


def paste_alpha(mask: np.ndarray, feather: float) -> np.ndarray:
    """(h, w) float32 of how much of the made crop goes into the picture: all of it where something was hidden.

    mask: (h, w) as in masks.py, 0 where the crop was hidden from the network. feather: width of the blended edge around
    that as a share of the crop's width, as far as there is room up to its border; 0: a hard edge.
    """
    return _alpha(mask.tobytes(), mask.shape, feather)


@lru_cache(maxsize=4)
def _alpha(mask: bytes, shape: tuple[int, int], feather: float) -> np.ndarray:
    hidden = np.frombuffer(mask, np.float32).reshape(shape) < _SEEN
    reach = feather * shape[1]
    alpha = np.outer(_ramps(hidden.any(axis=1), reach), _ramps(hidden.any(axis=0), reach)).astype(np.float32)
    alpha.setflags(write=False)
    return alpha


def _ramps(inside: np.ndarray, reach: float) -> np.ndarray:
    """1 inside, and raised cosines of this reach (pixels) on both sides of it."""
    places = np.flatnonzero(inside)
    first, last, count = places[0], places[-1], len(inside)
    place = np.arange(count)
    before = (first - place) / max(min(reach, first + 0.5), 0.5)
    after = (place - last) / max(min(reach, count - last - 0.5), 0.5)
    return 0.5 + 0.5 * np.cos(np.pi * np.clip(np.maximum(before, after), 0, 1))


def paste(
    picture: np.ndarray, made: np.ndarray, given: np.ndarray, transform: np.ndarray, alpha: np.ndarray
) -> np.ndarray:
    """A copy of the picture (H, W, 3) uint8 with the crop `made` (h, w, 3) uint8 in the place of `given`.

    given: the crop as it was taken by `transform` (2, 3), from picture to crop pixels. alpha: (h, w) float32; nothing
    changes where it is 0, nor outside the crop.
    """
    height, width = made.shape[:2]
    picture = picture.copy()
    left, top, right, bottom = covered(transform, width, height, picture, margin=1)
    if right <= left or bottom <= top:
        return picture
    region = picture[top:bottom, left:right]

    def placed(layer: np.ndarray, border: int = cv2.BORDER_REPLICATE) -> np.ndarray:
        return _placed(layer, shifted(transform, left, top), (right - left, bottom - top), border)

    # Whole numbers of 8 and 16 bits all the way: the pictures are large, and a GPU paints many a second.
    old = placed(given)
    change = cv2.subtract(placed(made), old, dtype=cv2.CV_16S)
    detail = cv2.subtract(region, old, dtype=cv2.CV_16S)
    change = cv2.subtract(change, _share(detail, placed(_changed(made, given))))
    alpha = np.rint(_WHOLE * alpha).astype(np.uint8)
    region[...] = cv2.add(region, _share(change, placed(alpha, cv2.BORDER_CONSTANT)), dtype=cv2.CV_8U)
    return picture


def _changed(made: np.ndarray, given: np.ndarray) -> np.ndarray:
    """(h, w) uint8: 0 where a crop is as it was, 255 in and beside what was painted anew."""
    difference = cv2.dilate(reduce(cv2.max, cv2.split(cv2.absdiff(made, given))), np.ones((3, 3), np.uint8))
    return cv2.multiply(cv2.blur(difference.astype(np.float32), (5, 5)), _WHOLE / _CHANGED, dtype=cv2.CV_8U)


def _share(levels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(h, w, 3) int16 times (h, w) uint8 weights, 0 to 255."""
    weights = cv2.merge([weights.astype(np.int16)] * 3)  # of one type, for which OpenCV is several times faster
    return cv2.multiply(levels, weights, scale=1 / _WHOLE)


def _placed(layer: np.ndarray, transform: np.ndarray, size: tuple[int, int], border: int) -> np.ndarray:
    """A layer of the crop on the pixels of the picture, (height, width, ...)."""
    layer, of_layer = _no_finer(layer, transform)
    return cv2.warpAffine(layer, of_layer, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=border)


def _no_finer(crop: np.ndarray, transform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A crop with twice the picture's pixels or more is shrunk by area first, so that fine patterns do not alias."""
    shrink = int(np.sqrt(abs(np.linalg.det(transform[:, :2]))))
    height, width = crop.shape[:2]
    if shrink < 2:
        return crop, transform
    size = (max(1, width // shrink), max(1, height // shrink))
    ratio = np.array([width, height]) / size
    small = np.column_stack([transform[:, :2] / ratio[:, None], (transform[:, 2] + 0.5) / ratio - 0.5])
    return cv2.resize(crop, size, interpolation=cv2.INTER_AREA), small

"""Crop a face by an affine transform; the soft edge with which a made face is put back.

Transforms are (2, 3) float64 and take source pixels to crop pixels, both counted from pixel centres.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

GREY = 110  # what syncnet_python puts beyond the border of a picture
_ONE = 256  # full weight of a mask


def box_transform(box: np.ndarray, width: int, height: int) -> np.ndarray:
    """The transform that takes a box (4,) in picture edges to a crop of width x height; the aspect may change."""
    return corners_transform(np.array([[box[0], box[1]], [box[2], box[1]], [box[0], box[3]]]), width, height)


def corners_transform(corners: np.ndarray, width: int, height: int) -> np.ndarray:
    """The transform to the crop with these corners: (3, 2) in picture edges, top left, top right, bottom left."""
    across, down = corners[1] - corners[0], corners[2] - corners[0]
    linear = np.linalg.inv(np.column_stack([across / width, down / height]))
    # pixel centres: half a pixel in before, half a pixel out after
    return np.column_stack([linear, linear @ (0.5 - corners[0]) - 0.5])


def transform_corners(transform: np.ndarray, width: int, height: int) -> np.ndarray:
    """The corners of the crop in the source, (4, 2) in picture edges: clockwise from the top left."""
    crop = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=float) - 0.5
    return invert_points(transform, crop) + 0.5


def apply_points(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(..., 2) points of the source as points of the crop."""
    return np.asarray(points) @ transform[:, :2].T + transform[:, 2]


def invert_points(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(..., 2) points of the crop as points of the source."""
    return (np.asarray(points) - transform[:, 2]) @ np.linalg.inv(transform[:, :2]).T


def covered(
    transform: np.ndarray, width: int, height: int, picture: np.ndarray, margin: int
) -> tuple[int, int, int, int]:
    """Whole-numbered left, top, right, bottom of what the crop covers of the picture, and `margin` pixels more."""
    corners = transform_corners(transform, width, height)
    low, high = np.floor(corners.min(axis=0)) - margin, np.ceil(corners.max(axis=0)) + margin
    limits = picture.shape[1], picture.shape[0]
    left, top = (int(np.clip(value, 0, limit)) for value, limit in zip(low, limits, strict=True))
    right, bottom = (int(np.clip(value, 0, limit)) for value, limit in zip(high, limits, strict=True))
    return left, top, right, bottom


def crop(
    picture: np.ndarray, transform: np.ndarray, *, width: int, height: int, border: int | None = None
) -> np.ndarray:
    """Cut (height, width, 3) uint8 out of a picture (H, W, 3) uint8.

    `border`: grey level beyond the picture, None to go on with its last pixels. A face that is more than twice as
    large as the crop is shrunk by area first, so that fine patterns do not alias.
    """
    shrink = int(1 / np.sqrt(abs(np.linalg.det(transform[:, :2]))))
    left, top, right, bottom = covered(transform, width, height, picture, margin=2 + shrink)
    if right <= left or bottom <= top:
        return np.full((height, width, 3), border or 0, np.uint8)
    if shrink >= 2:
        # whole multiples shrink several times faster; the margin gives way, on the side away from the picture's border
        left, right = _multiple(left, right, shrink, picture.shape[1])
        top, bottom = _multiple(top, bottom, shrink, picture.shape[0])
    region = picture[top:bottom, left:right]
    local = shifted(transform, left, top)
    if shrink >= 2 and min(region.shape[:2]) >= 2 * shrink:
        size = (region.shape[1] // shrink, region.shape[0] // shrink)
        ratio = np.array([region.shape[1] / size[0], region.shape[0] / size[1]])
        region = cv2.resize(region, size, interpolation=cv2.INTER_AREA)
        # centres of the shrunk pixels lie at (index + 0.5) * ratio - 0.5
        local = np.column_stack([local[:, :2] * ratio, local[:, :2] @ (0.5 * ratio - 0.5) + local[:, 2]])
    return cv2.warpAffine(
        region,
        local,
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE if border is None else cv2.BORDER_CONSTANT,
        borderValue=(border or 0,) * 3,
    )


def _multiple(low: int, high: int, step: int, limit: int) -> tuple[int, int]:
    """A span whose length is a multiple of `step`, unless it reaches from border to border."""
    spare = (high - low) % step
    if high < limit:
        return low, high - spare
    return (low + spare, high) if low > 0 else (low, high)


def shifted(transform: np.ndarray, left: int, top: int) -> np.ndarray:
    """The transform for the part of the picture whose first column is `left` and first row is `top`."""
    return np.column_stack([transform[:, :2], transform[:, :2] @ (left, top) + transform[:, 2]])


@lru_cache(maxsize=8)
def feather_mask(width: int, height: int, feather: float) -> np.ndarray:
    """(height, width) uint16 weights, 0 to 256: a raised cosine from each edge, `feather` of the shorter side wide."""
    reach = feather * min(width, height)
    if reach <= 0:
        return np.full((height, width), _ONE, np.uint16)

    def ramp(length: int) -> np.ndarray:
        distance = np.minimum(np.arange(length), np.arange(length)[::-1]) + 0.5
        return 0.5 - 0.5 * np.cos(np.pi * np.clip(distance / reach, 0, 1))

    mask = np.rint(_ONE * np.outer(ramp(height), ramp(width))).astype(np.uint16)
    mask.setflags(write=False)
    return mask

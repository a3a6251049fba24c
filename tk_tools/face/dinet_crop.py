"""DINet's crop: an upright box around the lower face, whose size follows the largest face of some pictures.

Source: compute_crop_radius in utils/data_processing.py and inference.py, MRzzm/DINet. There the landmarks are cut to
whole pixels, and a clip ends where the box leaves the picture or the face grows by half; here neither.
"""

from __future__ import annotations

import numpy as np

NOSE_ROW, NOSE_COLUMN, MOUTH_LEFT, MOUTH_RIGHT = 29, 33, 48, 54  # iBUG order
SCALE = 1.05  # of the box around the face; the original's training draws up to 1.15, see dubbing/data.py
NEAR = 2  # pictures before and after that have a say in the size
ABOVE, BELOW, BESIDE = 1.0, 2.25, 1.25  # reach of the box from the nose, in radii


def face_radius(landmarks: np.ndarray, scale: float = SCALE) -> np.ndarray:
    """(..., 68, 2) landmarks -> (...): half of the nose's height over the lowest point, or of the mouth's width."""
    down = landmarks[..., 1].max(axis=-1) - landmarks[..., NOSE_ROW, 1]
    across = landmarks[..., MOUTH_RIGHT, 0] - landmarks[..., MOUTH_LEFT, 0]
    return np.maximum(np.maximum(down, across) * scale / 2, 1.0)


def crop_radius(radii: np.ndarray) -> int:
    """The radius in pixels of the box for pictures with these face radii (n,): the largest, to the next four."""
    return 4 * (int(np.floor(radii).max() / 4) + 1)


def box(nose: np.ndarray, radius: float) -> np.ndarray:
    """(4,) left, top, right, bottom around the nose (2,), column and row."""
    reach = np.array([-BESIDE, -ABOVE, BESIDE, BELOW])
    return np.tile(nose, 2) + radius * reach


def nose_of(landmarks: np.ndarray) -> np.ndarray:
    """(..., 68, 2) landmarks -> (..., 2): the column of the nose's base, the row of its middle."""
    return np.stack([landmarks[..., NOSE_COLUMN, 0], landmarks[..., NOSE_ROW, 1]], axis=-1)


def corners(landmarks: np.ndarray) -> np.ndarray:
    """(68, 2) landmarks -> (3, 2) corners of the box of this picture alone: top left, top right, bottom left."""
    return _corners(box(nose_of(landmarks) + 0.5, float(face_radius(landmarks))))


def steadied(near: np.ndarray, which: int) -> np.ndarray:
    """(n, 3, 2) corners of pictures in a row, each by itself -> those of number `which`, as large as all need."""
    radii = (near[:, 1, 0] - near[:, 0, 0]) / (2 * BESIDE)
    left, top = near[which, 0]
    nose = np.array([left + BESIDE * radii[which], top + ABOVE * radii[which]])
    return _corners(box(nose, crop_radius(radii + 1e-6)))  # a whole radius must not come out a hair less


def _corners(around: np.ndarray) -> np.ndarray:
    left, top, right, bottom = around
    return np.array([[left, top], [right, top], [left, bottom]])

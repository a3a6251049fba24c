"""How far a mouth is open, from landmarks or from the pixels of a face crop: for holding made video against a truth.

Landmarks are the better measure where a detector finds them; the pixels serve for blurred or very small crops.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

BRIDGE, CHIN, UPPER_LIP, LOWER_LIP, LEFT_CORNER, RIGHT_CORNER = 27, 8, 62, 66, 48, 54  # iBUG order
SKIN_ROWS, SKIN_COLUMNS = (0.3, 0.9), (0.2, 0.8)  # of a wav2lip crop: where most is skin
MOUTH_ROWS, MOUTH_COLUMNS = (0.6, 0.92), (0.3, 0.7)  # of a wav2lip crop: where only an open mouth is dark
DARK = 0.55  # of the skin's brightness: the inside of a mouth lies below


def opening_from_landmarks(landmarks: np.ndarray) -> np.ndarray:
    """(..., 68, 2) pixels -> (...): gap between the inner lips over the height from the nose's bridge to the chin."""
    return _distance(landmarks, UPPER_LIP, LOWER_LIP) / _distance(landmarks, BRIDGE, CHIN)


def width_from_landmarks(landmarks: np.ndarray) -> np.ndarray:
    """(..., 68, 2) pixels -> (...): corner to corner over the height from the nose's bridge to the chin."""
    return _distance(landmarks, LEFT_CORNER, RIGHT_CORNER) / _distance(landmarks, BRIDGE, CHIN)


def opening_from_crops(crops: Iterable[np.ndarray]) -> np.ndarray:
    """Crops of the wav2lip layout, (H, W, 3) uint8 RGB of any size -> (N,) float32: how much darkness the mouth shows.

    0 to 1, in a unit of its own: it grows with the opening of one person's mouth and compares no two persons.
    """
    return np.array([_darkness(crop) for crop in crops], dtype=np.float32)


def _darkness(crop: np.ndarray) -> float:
    import cv2

    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    limit = max(1.0, DARK * float(np.median(_part(grey, SKIN_ROWS, SKIN_COLUMNS))))
    return float(np.clip(2 * (1 - _part(grey, MOUTH_ROWS, MOUTH_COLUMNS) / limit), 0, 1).mean())


def _part(picture: np.ndarray, rows: tuple[float, float], columns: tuple[float, float]) -> np.ndarray:
    (top, bottom), (left, right) = rows, columns
    height, width = picture.shape
    return picture[int(top * height) : int(bottom * height), int(left * width) : int(right * width)]


def _distance(landmarks: np.ndarray, first: int, second: int) -> np.ndarray:
    return np.linalg.norm(landmarks[..., first, :] - landmarks[..., second, :], axis=-1)

"""How far a mouth is open, from landmarks: for holding made video against a truth."""

from __future__ import annotations

import numpy as np

BRIDGE, CHIN, UPPER_LIP, LOWER_LIP = 27, 8, 62, 66  # iBUG order


def opening_from_landmarks(landmarks: np.ndarray) -> np.ndarray:
    """(..., 68, 2) pixels -> (...): gap between the inner lips over the height from the nose's bridge to the chin."""
    return _distance(landmarks, UPPER_LIP, LOWER_LIP) / _distance(landmarks, BRIDGE, CHIN)


def _distance(landmarks: np.ndarray, first: int, second: int) -> np.ndarray:
    return np.linalg.norm(landmarks[..., first, :] - landmarks[..., second, :], axis=-1)

"""SSIM and PSNR of two pictures.

Source: Wang, Bovik, Sheikh and Simoncelli, 2004, for the gaussian window (torchmetrics' default; in scikit-image
gaussian_weights=True, sigma=1.5, use_sample_covariance=False); scikit-image's own default for the uniform one.
"""

from __future__ import annotations

import cv2
import numpy as np

SIDE = {"gaussian": 11, "uniform": 7}  # px of the window
SIGMA = 1.5  # px
LEVELS = 255.0
STABILISERS = ((0.01 * LEVELS) ** 2, (0.03 * LEVELS) ** 2)
MOST_DECIBELS = 100.0  # of equal pictures, whose PSNR has no bound


def psnr(made: np.ndarray, reference: np.ndarray) -> float:
    """Decibels, 100 at most, of two (H, W, 3) uint8 pictures."""
    error = float(np.mean((made.astype(np.float64) - reference) ** 2))
    return MOST_DECIBELS if error == 0 else min(MOST_DECIBELS, 10 * float(np.log10(LEVELS**2 / error)))


def ssim(made: np.ndarray, reference: np.ndarray, window: str = "gaussian") -> float:
    """-1 to 1, the mean over the three colours and all places where the window lies inside the picture.

    (H, W, 3) uint8 each, both sides at least SIDE[window]. window: gaussian (11 px, sigma 1.5) or uniform (7 px,
    sample covariance).
    """
    side = SIDE[window]
    if min(made.shape[:2]) < side:
        raise ValueError(f"pictures of {made.shape} are smaller than the window of {side} px")
    a, b = made.astype(np.float64), reference.astype(np.float64)
    mean_a, mean_b = _blur(a, window), _blur(b, window)
    unbiased = side**2 / (side**2 - 1) if window == "uniform" else 1.0
    var_a = unbiased * (_blur(a * a, window) - mean_a**2)
    var_b = unbiased * (_blur(b * b, window) - mean_b**2)
    shared = unbiased * (_blur(a * b, window) - mean_a * mean_b)
    first, second = STABILISERS
    likeness = (2 * mean_a * mean_b + first) * (2 * shared + second)
    likeness /= (mean_a**2 + mean_b**2 + first) * (var_a + var_b + second)
    edge = side // 2
    return float(likeness[edge:-edge, edge:-edge].mean())


def _blur(values: np.ndarray, window: str) -> np.ndarray:
    size = (SIDE[window], SIDE[window])
    return cv2.GaussianBlur(values, size, SIGMA) if window == "gaussian" else cv2.blur(values, size)

"""SSIM and PSNR of two pictures.

Source: Wang, Bovik, Sheikh and Simoncelli, 2004, for the gaussian window (in scikit-image gaussian_weights=True,
sigma=1.5, use_sample_covariance=False; torchmetrics' map within its edges, over which its own mean reaches);
scikit-image's own default for the uniform one.
"""

from __future__ import annotations

import cv2
import numpy as np

SIDE = {"gaussian": 11, "uniform": 7}  # px of the window
SIGMA = 1.5  # px
LEVELS = 255.0
MIDDLE = np.float32(128)  # squares are taken of what lies above or below it, so that few of their digits are lost
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
    a, b = (picture.astype(np.float32) - MIDDLE for picture in (made, reference))
    apart = a - b
    mean_a, mean_b = _blur(a, window), _blur(b, window)
    mean_apart = mean_a - mean_b
    unbiased = side**2 / (side**2 - 1) if window == "uniform" else 1.0
    variances = unbiased * (_blur(a * a + b * b, window) - mean_a**2 - mean_b**2)
    variance_apart = unbiased * (_blur(apart * apart, window) - mean_apart**2)
    # Each factor of Wang et al., (2 x y + c) / (x x + y y + c), is one less (x - y)(x - y) over the same denominator:
    # what is rounded off is then small beside what is left, and single precision is enough.
    first, second = STABILISERS
    luminance = 1 - mean_apart**2 / ((mean_a + MIDDLE) ** 2 + (mean_b + MIDDLE) ** 2 + first)
    structure = 1 - variance_apart / (variances + second)
    edge = side // 2
    return float((luminance * structure)[edge:-edge, edge:-edge].mean(dtype=np.float64))


def _blur(values: np.ndarray, window: str) -> np.ndarray:
    size = (SIDE[window], SIDE[window])
    return cv2.GaussianBlur(values, size, SIGMA) if window == "gaussian" else cv2.blur(values, size)

"""Features of a clip -> what a generator hears at each frame: the rows around it."""

from __future__ import annotations

import numpy as np

REACH = 2  # rows on either side


def feature_windows(features: np.ndarray, reach: int = REACH) -> np.ndarray:
    """(N, channels) -> (N, channels, 2 reach + 1) of the same type: rows i - reach to i + reach on the last axis of
    window i, the first and the last row repeated beyond the ends. It is a view: copy before writing.

    Source: MRzzm/DINet (inference.py), iPaw-AI-LAB/LawDNet_2024 (audio_processing.py).
    """
    padded = np.pad(features, ((reach, reach), (0, 0)), mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0)

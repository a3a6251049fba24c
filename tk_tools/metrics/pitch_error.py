"""How far the melody of made speech is from the reference's: F0 error and correlation, and wrong voicing."""

from __future__ import annotations

import numpy as np

from tk_tools.audio.pitch import FRAMES_PER_SECOND, Pitch

CENTS = 1200.0  # of an octave
MEASURES = ("f0_rmse", "f0_cents", "f0_corr", "vde")


def pitch_error(made: Pitch, reference: Pitch, path: np.ndarray | None = None) -> dict[str, float | None]:
    """MEASURES of two pitch tracks: frame by frame as far as both go, or along `path` (steps, 2) in seconds.

    f0_rmse (Hz), f0_cents (RMSE of the interval) and f0_corr (Pearson's, -1 to 1) are taken where both are voiced, None
    where that is nowhere (f0_corr: or where one does not change). vde, 0 to 1: the share of frames that are voiced in
    one alone.
    """
    if path is None:
        count = min(len(made.f0), len(reference.f0))
        first, second = made.f0[:count], reference.f0[:count]
    else:
        first, second = (_at(track.f0, times) for track, times in zip((made, reference), path.T, strict=True))
    voiced = np.isfinite(first), np.isfinite(second)
    both = voiced[0] & voiced[1]
    measures: dict[str, float | None] = dict.fromkeys(MEASURES)
    measures["vde"] = float(np.mean(voiced[0] != voiced[1]))
    if both.any():
        a, b = first[both], second[both]
        measures["f0_rmse"] = float(np.sqrt(np.mean((a - b) ** 2)))
        measures["f0_cents"] = float(np.sqrt(np.mean((CENTS * np.log2(a / b)) ** 2)))
        if a.std() > 0 and b.std() > 0:
            measures["f0_corr"] = float(np.corrcoef(a, b)[0, 1])
    return measures


def _at(f0: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The values of the frames nearest to times in seconds."""
    return f0[np.clip(np.rint(times * FRAMES_PER_SECOND).astype(int), 0, len(f0) - 1)]

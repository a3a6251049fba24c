"""CSV files as OpenFace writes them."""

from pathlib import Path

import numpy as np


def write_openface(
    path: Path, landmarks: np.ndarray, *, fps: float = 25.0, without=(), lost=(), blank: str = " ", gaze: bool = False
) -> Path:
    """Write (n, 68, 2) landmarks; `without`: pictures that have no row, `lost`: whose row says that none were found."""
    names = ["frame", "face_id", "timestamp", "confidence", "success"]
    names += [f"gaze_{n}_{axis}" for n in range(2) for axis in "xyz"] if gaze else []
    names += [f"{axis}_{n}" for axis in "xy" for n in range(68)]
    lines = [("," + blank).join(names)]
    for number, points in enumerate(landmarks):
        if number in without:
            continue
        found = number not in lost
        row = [number + 1, 0, number / fps, 0.98 if found else 0.0, int(found), *([0.1] * 6 if gaze else [])]
        row += [*(points.T.ravel() if found else np.zeros(136))]
        lines.append(("," + blank).join(f"{value:.6g}" for value in row))
    path.write_text("\n".join(lines) + "\n")
    return path

"""Sharpness by CPBD, ours and the original's, on pictures of a video scaled to 512x512, one core.

python -m benchmarks.cpbd CPBD VIDEO
CPBD is the unpacked source of the package cpbd 1.0.7. Names that it calls, and that scipy and scikit-image have dropped
since, are put back.
"""

from __future__ import annotations

import os
import sys
import types
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from benchmarks.measure import in_turn, report
from tk_tools.files.video import read_frames
from tk_tools.metrics.cpbd import cpbd

PICTURES, SIDE = 20, 512


def main(original: Path, video: Path) -> None:
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    cv2.setNumThreads(1)
    theirs = import_original(original).compute
    pictures = [
        cv2.cvtColor(cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        for rgb in islice(read_frames(video), PICTURES)
    ]
    gap = max(abs(cpbd(picture) - theirs(picture)) for picture in pictures)
    seconds = in_turn(
        lambda: [cpbd(picture) for picture in pictures], lambda: [theirs(picture) for picture in pictures]
    )
    ours, original_rate = (len(pictures) / taken for taken in seconds)
    report(
        "cpbd",
        [
            {
                "what": f"CPBD of {SIDE}x{SIDE}, one core",
                "pictures_per_second": ours,
                "original_pictures_per_second": original_rate,
                "ratio": ours / original_rate,
                "largest_difference": gap,
            }
        ],
    )


def import_original(folder: Path) -> types.ModuleType:
    """The original's package, with `imread` (of its command alone) and the weights of Sobel's filter put back."""
    import scipy.ndimage

    if not (folder / "cpbd" / "compute.py").is_file():
        sys.exit(f"{folder} is not the source of cpbd")
    scipy.ndimage.imread = None
    edges = types.ModuleType("skimage.filters.edges")
    edges.HSOBEL_WEIGHTS = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]]) / 4.0
    sys.modules["skimage.filters.edges"] = edges
    sys.path.insert(0, str(folder))
    import cpbd as package

    return package


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())

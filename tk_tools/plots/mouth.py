"""The known mouth of a made clip: how far it is open over time, and where the sentences begin."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tk_tools.files.truth_file import read_truth_file
from tk_tools.plots import PlotOptions
from tk_tools.plots.figure import BLUE, GREY, render


def draw(path: Path, options: PlotOptions) -> np.ndarray:
    """The picture, (H, W, 3) uint8 RGB, of a NAME.truth.h5. InputError: not such a file."""
    truth = read_truth_file(path)
    times = np.arange(len(truth.opening)) / truth.frame_rate

    def fill(figure):
        axes = figure.subplots()
        axes.plot(times, truth.opening, color=BLUE, linewidth=1)
        for start in truth.sentence_starts:
            axes.axvline(start, color=GREY, linewidth=0.8, linestyle="--")
        axes.set(
            xlabel="time (s)",
            ylabel="opening (face heights)",
            title=f"{path.name}: sound {truth.shift} frames early; dashed: sentences begin",
        )

    return render(fill, height=300)

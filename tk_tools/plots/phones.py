"""The average of each phone over a set, side by side, and how many intervals each rests on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tk_tools.files.phone_averages_file import read_phone_averages
from tk_tools.plots import PlotOptions
from tk_tools.plots.figure import GREY, render

_PIXELS_PER_PHONE = 14


def draw(path: Path, options: PlotOptions) -> np.ndarray:
    """The picture, (H, W, 3) uint8 RGB, of a NAME.phones.h5. InputError: not such a file."""
    averages = read_phone_averages(path)
    phones, bands = averages.average.shape
    places = np.arange(phones)

    def fill(figure):
        counts, axes = figure.subplots(2, 1, sharex=True, height_ratios=(1, 4))
        counts.bar(places, averages.intervals, color=GREY)
        counts.set(ylabel="intervals", yscale="log", title=f"{path.name}: preset {averages.preset}")
        counts.yaxis.set_major_formatter("{x:g}")
        axes.grid(visible=False)
        image = axes.imshow(
            averages.average.T,
            origin="lower",
            aspect="auto",
            cmap="magma",
            extent=(-0.5, phones - 0.5, 0, bands),
            interpolation="nearest",
        )
        figure.colorbar(image, ax=[counts, axes], label="level, on the preset's scale")
        axes.set(ylabel="mel band")
        axes.set_xticks(places, [symbol or "(silence)" for symbol in averages.symbols], rotation=90, fontsize=8)

    return render(fill, width=max(600, 200 + _PIXELS_PER_PHONE * phones), height=500)

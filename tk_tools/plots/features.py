"""Speech features over time: each channel a line of colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tk_tools.files.feature_file import read_feature_file
from tk_tools.plots import PlotOptions
from tk_tools.plots.figure import render


def draw(path: Path, options: PlotOptions) -> np.ndarray:
    """The picture, (H, W, 3) uint8 RGB, of a NAME.feat.h5. InputError: not such a file, or it is empty."""
    features = read_feature_file(path)
    frames, channels = features.values.shape
    low, high = np.percentile(features.values, (1, 99))

    def fill(figure):
        axes = figure.subplots()
        axes.grid(visible=False)
        image = axes.imshow(
            features.values.T,
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=low,
            vmax=high,
            extent=(0, frames / features.rate, 0, channels),
            interpolation="nearest",
        )
        figure.colorbar(image, ax=axes, label="value")
        axes.set(xlabel="time (s)", ylabel="channel", title=f"{path.name}: {features.model}, {features.rate} rows/s")

    return render(fill)

"""A mel spectrogram over time, low bands at the bottom."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tk_tools.errors import InputError
from tk_tools.files.mel_file import read_mel_file
from tk_tools.plots import PlotOptions
from tk_tools.plots.figure import render


def draw(path: Path, options: PlotOptions) -> np.ndarray:
    """The picture, (H, W, 3) uint8 RGB, of a NAME.mel.h5. InputError: not such a file, or it is empty."""
    mel = read_mel_file(path)
    frames, bands = mel.values.shape
    if frames == 0:
        raise InputError("holds no frames", path=path)
    seconds = frames * mel.hop_length / mel.sample_rate

    def fill(figure):
        axes = figure.subplots()
        axes.grid(visible=False)
        image = axes.imshow(
            mel.values.T,
            origin="lower",
            aspect="auto",
            cmap="magma",
            extent=(0, seconds, 0, bands),
            interpolation="nearest",
        )
        figure.colorbar(image, ax=axes, label="level, on the preset's scale")
        axes.set(
            xlabel="time (s)",
            ylabel="mel band",
            title=f"{path.name}: preset {mel.preset}, {mel.sample_rate} Hz, hop {mel.hop_length}",
        )

    return render(fill)

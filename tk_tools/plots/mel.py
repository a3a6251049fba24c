"""A mel spectrogram over time, low bands at the bottom; that of an average voice with its phones above."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tk_tools.errors import InputError
from tk_tools.files.average_mel_file import AVERAGE_MEL, FramedPhones, read_average_mel_file, read_framed_phones
from tk_tools.files.mel_file import Mel, read_mel_file
from tk_tools.plots import PlotOptions
from tk_tools.plots.figure import render

_PIXELS_PER_PHONE = 12  # that its symbol needs, lying on its side


def draw(path: Path, options: PlotOptions) -> np.ndarray:
    """The picture, (H, W, 3) uint8 RGB, of a NAME.mel.h5 or NAME.avgmel.h5. InputError: not such a file, or empty."""
    mel, phones = _read(path)
    frames, bands = mel.values.shape
    if frames == 0:
        raise InputError("holds no frames", path=path)
    frame = mel.hop_length / mel.sample_rate  # seconds
    width = 1000

    def fill(figure):
        axes = figure.subplots()
        axes.grid(visible=False)
        image = axes.imshow(
            mel.values.T,
            origin="lower",
            aspect="auto",
            cmap="magma",
            extent=(0, frames * frame, 0, bands),
            interpolation="nearest",
        )
        figure.colorbar(image, ax=axes, label="level, on the preset's scale")
        axes.set(
            xlabel="time (s)",
            ylabel="mel band",
            title=f"{path.name}: preset {mel.preset}, {mel.sample_rate} Hz, hop {mel.hop_length}",
        )
        if 0 < len(phones.symbols) <= width / _PIXELS_PER_PHONE:
            above = axes.secondary_xaxis("top")
            above.set_xticks(phones.frames.mean(axis=1) * frame, phones.symbols, rotation=90, fontsize=7)
            above.tick_params(length=0)

    return render(fill, width=width)


def _read(path: Path) -> tuple[Mel, FramedPhones]:
    if path.name.lower().endswith(AVERAGE_MEL.suffix):
        return read_average_mel_file(path), read_framed_phones(path)
    return read_mel_file(path), FramedPhones((), np.zeros((0, 2), np.int64))

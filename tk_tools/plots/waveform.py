"""The least and the greatest sample of each short stretch of sound, over time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tk_tools.errors import InputError
from tk_tools.files.soundtrack import audio_rate, read_audio_blocks
from tk_tools.plots import PlotOptions
from tk_tools.plots.figure import BLUE, render

_STRETCH = 0.005  # seconds


def draw(path: Path, options: PlotOptions) -> np.ndarray:
    """The picture, (H, W, 3) uint8 RGB, of a sound or video file. InputError: no sound."""
    rate = audio_rate(path)
    low, high, count = _envelope(path, max(1, round(rate * _STRETCH)))
    if count == 0:
        raise InputError("holds no sound", path=path)
    times = np.linspace(0, count / rate, num=len(low), endpoint=False)

    def fill(figure):
        axes = figure.subplots()
        axes.fill_between(times, low, high, color=BLUE, linewidth=0.5, edgecolor=BLUE)
        axes.set(
            xlabel="time (s)",
            ylabel="amplitude (full scale is 1)",
            title=f"{path.name}: {count / rate:.2f} s, {rate} Hz",
            xlim=(0, count / rate),
            ylim=(-1.05, 1.05),
        )

    return render(fill, height=300)


def _envelope(path: Path, stretch: int) -> tuple[np.ndarray, np.ndarray, int]:
    """(least, greatest, number of samples); the sound streams through."""
    low, high, count = [], [], 0
    rest = np.zeros(0, np.float32)
    for block in read_audio_blocks(path):
        count += len(block)
        rest = np.concatenate([rest, block])
        whole = len(rest) // stretch * stretch
        rows = rest[:whole].reshape(-1, stretch)
        low.append(rows.min(axis=1))
        high.append(rows.max(axis=1))
        rest = rest[whole:]
    if len(rest):
        low.append(rest.min(keepdims=True))
        high.append(rest.max(keepdims=True))
    return np.concatenate(low or [rest]), np.concatenate(high or [rest]), count

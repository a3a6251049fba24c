"""Speaker embeddings: of windows their channels over time, and how near each is to the mean; of one its channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tk_tools.files.embed_file import read_embed_file
from tk_tools.plots import PlotOptions
from tk_tools.plots.figure import BLUE, render


def draw(path: Path, options: PlotOptions) -> np.ndarray:
    """The picture, (H, W, 3) uint8 RGB, of a NAME.embed.h5. InputError: not such a file, or it is empty."""
    embed = read_embed_file(path)
    title = f"{path.name}: preset {embed.preset}, per {embed.per}"

    def fill_bars(figure):
        axes = figure.subplots()
        axes.bar(np.arange(embed.values.shape[1]), embed.mean, width=1, color=BLUE)
        axes.set(xlabel="channel", ylabel="value", title=title, xlim=(-1, embed.values.shape[1]))

    def fill_windows(figure):
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2))
        starts = embed.starts
        above.plot(starts, embed.values @ embed.mean, color=BLUE, linewidth=1.2, marker=".", markersize=3)
        above.set(ylabel="cosine to the mean", ylim=(None, 1), title=title)
        below.grid(visible=False)
        edges = np.append(starts, 2 * starts[-1] - starts[-2])
        mesh = below.pcolormesh(edges, np.arange(embed.values.shape[1] + 1), embed.values.T, cmap="magma")
        figure.colorbar(mesh, ax=[above, below], label="value")
        below.set(xlabel="start of the window (s)", ylabel="channel")

    return render(fill_windows if embed.starts is not None and len(embed.starts) > 1 else fill_bars)

"""The matrix of cosine similarities of recordings, in the order given, with lines between their groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tk_tools.plots.figure import render

_NAMED = 50  # recordings; of more the groups are named, if they are as few
_SIDE, _CELL = 560, 16  # pixels: of a small picture, and of a named row


def draw_similarities(cosines: np.ndarray, names: Sequence[str], groups: Sequence[str]) -> np.ndarray:
    """The picture, (H, W, 3) uint8 RGB, of cosines (n, n); names: of the rows, groups: what each belongs to."""
    count = len(names)
    firsts = [place for place in range(count) if place == 0 or groups[place] != groups[place - 1]]
    if count <= _NAMED:
        ticks, labels = list(range(count)), list(names)
    else:
        ends = [*firsts[1:], count]
        ticks = [(first + end - 1) / 2 for first, end in zip(firsts, ends, strict=True)]
        labels = [groups[first] for first in firsts]
        if len(labels) > _NAMED:
            ticks, labels = [], []
    side = max(_SIDE, _CELL * len(labels) + 260)

    def fill(figure):
        axes = figure.subplots()
        axes.grid(visible=False)
        image = axes.imshow(cosines, cmap="viridis", vmin=0, vmax=1, interpolation="antialiased")
        for first in firsts[1:]:
            axes.axhline(first - 0.5, color="white", linewidth=0.8)
            axes.axvline(first - 0.5, color="white", linewidth=0.8)
        axes.set_yticks(ticks, labels, fontsize=7)
        axes.set_xticks(ticks, labels, fontsize=7, rotation=90)
        axes.set_title(f"{count} voices")
        figure.colorbar(image, ax=axes, label="cosine similarity", shrink=0.8)

    return render(fill, width=side + 120, height=side)

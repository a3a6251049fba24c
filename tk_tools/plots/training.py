"""Training curves: each named loss or measure of a metrics.csv in a panel, training and validation together."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from tk_tools.errors import InputError
from tk_tools.plots import PlotOptions
from tk_tools.plots.figure import BLUE, ORANGE, render
from tk_tools.train.metrics_file import read_metrics

_IN_A_ROW = 3
_DECADES = 2.0  # values that span more are drawn on a logarithmic scale
_COLOURS = {"train": BLUE, "val": ORANGE}


def draw(path: Path, options: PlotOptions) -> np.ndarray:
    """The picture, (H, W, 3) uint8 RGB, of a run's metrics.csv. InputError: not such a file, or no numbers yet."""
    series: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for row in read_metrics(path):
        for column, value in row.items():
            if column not in ("step", "epoch") and math.isfinite(value):
                part, _, name = column.partition("/")
                series.setdefault(name or part, {}).setdefault(part, []).append((row["step"], value))
    if not series:
        raise InputError("holds no numbers yet; let the training run a little", path=path)
    rows = math.ceil(len(series) / _IN_A_ROW)
    columns = min(len(series), _IN_A_ROW)

    def fill(figure):
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (name, parts) in zip(panels, sorted(series.items()), strict=False):
            _panel(axes, name, parts)
        for axes in panels[len(series) :]:
            axes.remove()
        figure.suptitle(f"{path.parent.resolve().name}: training (blue) and validation (orange)")

    return render(fill, width=max(600, 400 * columns), height=40 + 260 * rows)


def _panel(axes, name: str, parts: dict[str, list[tuple[float, float]]]) -> None:
    for part, points in sorted(parts.items()):
        steps, values = np.array(points).T
        axes.plot(steps, values, color=_COLOURS.get(part), marker="." if len(steps) < 30 else None, linewidth=1.2)
    values = np.array([value for points in parts.values() for _, value in points])
    if values.min() > 0 and np.log10(values.max() / values.min()) > _DECADES:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    axes.set(xlabel="step", title=name)

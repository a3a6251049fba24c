"""The one look of all diagrams: matplotlib's Agg with its own defaults, whatever a user's matplotlibrc says."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#1f5f99", "#d9730d", "#8a8a8a"
_DPI = 100
_STYLE = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": _DPI,
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "grid.alpha": 0.3,
    "text.parse_math": False,  # file names may hold dollar signs
}


def render(draw: Callable[[Figure], None], *, width: int = 1000, height: int = 400) -> np.ndarray:
    """Call `draw(figure)` on an empty figure of width x height pixels and return its pixels, (H, W, 3) uint8 RGB."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        figure = Figure(figsize=(width / _DPI, height / _DPI), layout="constrained")
        canvas = FigureCanvasAgg(figure)
        draw(figure)
        canvas.draw()
        return np.array(canvas.buffer_rgba())[:, :, :3].copy()

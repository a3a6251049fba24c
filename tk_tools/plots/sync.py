"""Sync curves: the distance of mouth and sound at each offset; for one clip also how it goes over time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tk_tools.files.sync_file import SyncCurve, SyncFile
from tk_tools.plots import PlotOptions
from tk_tools.plots.figure import BLUE, GREY, ORANGE, render

_NAMED = 6  # clips; more are thin lines around their mean


def draw(path: Path, options: PlotOptions) -> np.ndarray:
    """The picture, (H, W, 3) uint8 RGB, of a NAME.sync.h5 (tk-eval-lse --curves). InputError: not such a file."""
    with SyncFile(path) as file:
        clips = (
            list(file)
            if len(file) == 1
            else [
                SyncCurve(path=name, offset=file.offset, curve=curve, distance=curve[None])
                for name, curve in zip(file.paths, file.curve, strict=True)
            ]
        )
        frame_rate = file.frame_rate

    def fill(figure):
        if len(clips) > 1:
            _curves(figure.subplots(), clips)
            return
        left, right = figure.subplots(1, 2, width_ratios=(2, 3))
        _curves(left, clips)
        _windows(right, clips[0], frame_rate)

    return render(fill)


def _curves(axes, clips: list[SyncCurve]) -> None:
    offset = clips[0].offset
    whole = [clip.curve for clip in clips if np.isfinite(clip.curve).all()]  # a mean of the same clips at each offset
    mean = np.mean(whole, axis=0) if len(clips) > 1 and whole else clips[0].curve
    if len(clips) <= _NAMED:
        for clip in clips:
            axes.plot(offset, clip.curve, linewidth=1.2, label=clip.path.name)
        axes.legend(fontsize=7)
    else:
        for clip in clips:
            axes.plot(offset, clip.curve, color=GREY, linewidth=0.5, alpha=0.6)
        if whole:
            axes.plot(offset, mean, color=BLUE, linewidth=2)
    axes.set(xlabel="offset (frames; positive: the sound lies earlier)", ylabel="distance")
    if len(clips) > 1 and not whole:
        axes.set_title(f"{len(clips)} clips, none with a distance at every offset")
        return
    best = int(np.nanargmin(mean))
    axes.axvline(offset[best], color=ORANGE, linewidth=1)
    left_out = f" of {len(clips)}" if len(whole) < len(clips) else ""
    what = "clip" if len(clips) == 1 else f"mean of {len(whole)}{left_out} clips"
    axes.set_title(f"{what}: least {mean[best]:.3f} at {offset[best]:+d}")


def _windows(axes, clip: SyncCurve, frame_rate: float) -> None:
    offset = clip.offset
    axes.grid(visible=False)
    image = axes.imshow(
        clip.distance.T[:: -1 if offset[0] > offset[-1] else 1],
        origin="lower",
        aspect="auto",
        cmap="viridis",
        interpolation="nearest",
        extent=(0, len(clip.distance) / frame_rate, offset.min() - 0.5, offset.max() + 0.5),
    )
    axes.figure.colorbar(image, ax=axes, label="distance")
    axes.set(xlabel="time (s)", ylabel="offset (frames)", title="each window")

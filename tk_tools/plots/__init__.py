"""Pictures of what the tools' files hold: one module per kind of plot, each giving one RGB array.

The kind follows from the file's name; the same file and options give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from tk_tools.errors import InputError
from tk_tools.files.find import AUDIO_SUFFIXES, VIDEO_SUFFIXES


class Kind(NamedTuple):
    """suffixes: files of which this is the usual plot; draw: "module:function" (path, options) -> (H, W, 3) uint8."""

    suffixes: tuple[str, ...]
    draw: str


KINDS = {
    "mel": Kind((".mel.h5", ".avgmel.h5"), "tk_tools.plots.mel:draw"),
    "embed": Kind((".embed.h5",), "tk_tools.plots.embed:draw"),
    "features": Kind((".feat.h5",), "tk_tools.plots.features:draw"),
    "waveform": Kind(AUDIO_SUFFIXES, "tk_tools.plots.waveform:draw"),
    "training": Kind((".csv",), "tk_tools.plots.training:draw"),
    "sync": Kind((".sync.h5",), "tk_tools.plots.sync:draw"),
    "mouth": Kind((".truth.h5",), "tk_tools.plots.mouth:draw"),
    "phones": Kind((".phones.h5",), "tk_tools.plots.phones:draw"),
    "sheet": Kind((".frames.h5", ".face.h5", *VIDEO_SUFFIXES), "tk_tools.plots.sheet:draw"),
}
READS = tuple(suffix for kind in KINDS.values() for suffix in kind.suffixes)


@dataclass(frozen=True)
class PlotOptions:
    """`kind`: one of KINDS, None for the file's own; `pictures` on a contact sheet, `columns` of them in a row, each
    `tile` pixels wide."""

    kind: str | None = None
    pictures: int = 12
    columns: int = 4
    tile: int = 240


def kind_of(path: Path) -> str:
    """The usual plot of a file. InputError: there is none."""
    name = path.name.lower()
    for kind, (suffixes, _) in KINDS.items():
        if name.endswith(suffixes):
            return kind
    raise InputError(f"no plot is known for this kind of file; say which with --kind ({', '.join(KINDS)})", path=path)


def plot_stem(path: Path, kind: str | None = None) -> str:
    """The name of a file's plot without .png: it keeps the file's kind, and has the plot's when that was chosen.

    So no two plots of one clip have one name: x.mp4 gives x, x.mel.h5 x.mel, x.wav x.wav, x.mp4 as waveform x.waveform.
    The metrics.csv of a run of tk-train has the name of its folder.
    """
    from tk_tools.train.run_folder import METRICS

    if path.name == METRICS:
        path = path.absolute().parent
    cut = next((suffix for suffix in (".h5", ".csv", *VIDEO_SUFFIXES) if path.name.lower().endswith(suffix)), "")
    stem = path.name[: len(path.name) - len(cut)] or path.name
    return f"{stem}.{kind}" if kind else stem


def make_plot(source: Path, target: Path, options: PlotOptions) -> dict[str, Any]:
    """Draw `source` into the PNG `target`. InputError: it cannot be read, or holds nothing to draw."""
    from tk_tools.files.provenance import describe
    from tk_tools.plots.png import write_png

    kind = options.kind or kind_of(source)
    made = describe(options, source)
    module, function = KINDS[kind].draw.split(":")
    picture = getattr(import_module(module), function)(source, options)
    write_png(target, picture, made)
    return {"kind": kind, "width": picture.shape[1], "height": picture.shape[0]}

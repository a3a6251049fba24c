"""tk-plot: any file of the box -> NAME.png."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tk_tools.cli import _options
from tk_tools.cli._main import entry
from tk_tools.plots import KINDS, READS, PlotOptions


@click.command("tk-plot", context_settings=_options.CONTEXT)
@_options.operands("[INPUT]... OUTPUT")
@click.option("--kind", type=click.Choice(list(KINDS)), help="What to draw; by default what the file's kind suggests.")
@click.option(
    "--pictures",
    type=click.IntRange(1, 1000),
    default=PlotOptions.pictures,
    help="Pictures on a contact sheet, evenly spaced.",
)
@click.option(
    "--columns", type=click.IntRange(1, 100), default=PlotOptions.columns, help="Pictures in a row of a contact sheet."
)
@click.option(
    "--tile",
    type=click.IntRange(16, 2000),
    default=PlotOptions.tile,
    help="Width of each picture on a contact sheet (pixels).",
)
@_options.file_tool
def command(**values: Any) -> int:
    """Draw what a file holds, as PNG.

    INPUT: files or folders searched for them; '-' or none: paths from standard input. OUTPUT: a folder, or one
    NAME.png. The kind of file says what is drawn:

    \b
      NAME.mel.h5, .avgmel.h5            mel: the spectrogram; of the average voice with its phones
      NAME.embed.h5                      embed: the embedding, or windows over time
      NAME.feat.h5                       features: each channel over time
      NAME.wav and other sound           waveform
      a run of tk-train, metrics.csv     training: each loss and measure
      NAME.sync.h5                       sync: distance of mouth and sound at each offset
      NAME.truth.h5                      mouth: how far it is open (made clips)
      NAME.phones.h5                     phones: the average of each (tk-align)
      video, NAME.frames.h5, .face.h5    sheet: pictures with their times

    In a folder a plot keeps the kind of its file, so that those of one clip lie side by side: NAME.mp4 gives NAME.png,
    NAME.mel.h5 NAME.mel.png, NAME.wav NAME.wav.png, a run RUN.png; with --kind that comes too (NAME.waveform.png).

    Prints the path of each finished file. A file that cannot be drawn is told on stderr, the others are done, and the
    exit code is 1.

    \b
    Examples:
      tk-plot runs/w2l losses.png
      tk-plot --pictures 20 --columns 5 talking.mp4 sheet.png
      tk-eval-lse --curves made.sync.h5 made.mp4 && tk-plot made.sync.h5 sync.png

    See also: tk-mel, tk-crop-face, tk-eval-lse, tk-train (the ones before).
    """
    from dataclasses import replace

    from tk_tools.cli._batch import run_batch
    from tk_tools.plots import make_plot, plot_stem

    common = _options.take_common(values)
    inputs = tuple(_metrics_of_run(operand) for operand in common.operands[:-1])
    common = replace(common, operands=(*inputs, *common.operands[-1:]))
    options = PlotOptions(**values)

    def stem(path: Path) -> str:
        return plot_stem(path, options.kind)

    return run_batch("tk-plot", common, make_plot, options, reads=READS, suffix=".png", stem=stem)


def _metrics_of_run(operand: Path) -> Path:
    """A run of tk-train stands for its metrics.csv."""
    from tk_tools.train.run_folder import METRICS

    metrics = operand / METRICS
    return metrics if metrics.is_file() else operand


main = entry(command)

if __name__ == "__main__":
    main()

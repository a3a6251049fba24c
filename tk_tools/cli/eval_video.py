"""tk-eval-video: made videos against their references, as numbers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from tk_tools.cli import _options
from tk_tools.cli._main import entry

TOOL = "tk-eval-video"
COLUMNS = (
    "path", "reference", "frames", "ssim", "psnr", "ssim_mouth", "psnr_mouth", "lmd", "identity", "error",
)  # fmt: skip


@click.command(TOOL, context_settings=_options.CONTEXT)
@_options.operands("[INPUT]...")
@click.option(
    "--reference",
    type=_options.path_type(exists=True),
    metavar="PATH",
    help="The real videos: a folder in which each has the name of its made one, or one file for all.",
)
@click.option(
    "--pairs",
    type=_options.path_type(exists=True, dir_okay=False),
    metavar="FILE",
    help="Instead: a list with MADE, a tab and REFERENCE on each line; without INPUT all of it is measured.",
)
@click.option(
    "--window",
    type=click.Choice(["gaussian", "uniform"]),
    default="gaussian",
    help="Of SSIM: gaussian, 11 px (Wang et al. 2004, torchmetrics), or uniform, 7 px (scikit-image's default).",
)
@click.option(
    "--align",
    is_flag=True,
    help="Scale the reference to the made pictures, take it at their rate, compare what both have.",
)
@click.option("--faces/--no-faces", default=True, help="Measure mouth, landmarks and identity too.")
@_options.face
@_options.backend
@_options.device
@_options.weights_dir
@_options.workers
@_options.json_lines
@_options.null
@_options.verbosity
def command(
    operands: tuple[Path, ...],
    reference: Path | None,
    pairs: Path | None,
    workers: int,
    json: bool,
    null: bool,
    verbose: int,
    quiet: int,
    **values: Any,
) -> int:
    """Measure how near made videos come to real ones.

    INPUT: the made videos, or folders searched for them; '-' or none: paths from standard input. Each is compared,
    picture by picture, with the video of its name (whatever the suffix) in the folder of references, or as a list says.
    A table on a terminal,
    tab-separated values into a pipe; the means, with 95 % bootstrap intervals over the clips, go to stderr.

    ssim (1 is equal) and psnr (dB; equal pictures count 100) are means over the pictures; ssim_mouth and psnr_mouth
    those of a box around the reference's mouth. lmd is the mean distance in pixels of the 20 lip landmarks, both mouths
    moved to their centres (Chen et al. 2018). identity is the cosine of dlib's face descriptors, once a second. What
    cannot be measured is left empty. A pair of another size, rate or length is an error unless --align is given.

    \b
    Examples:
      tk-eval-video --reference real/ made/
      tk-infer wav2lip --checkpoint runs/gan talks/ dubbed/ | tk-eval-video --reference talks/ --json

    See also: tk-eval-lse (lip sync), tk-infer (the one before).
    """
    from tk_tools.cli._log import Log
    from tk_tools.cli._measure import run_measure
    from tk_tools.files.find import VIDEO_SUFFIXES
    from tk_tools.metrics.references import ReferencesByList, find_references
    from tk_tools.metrics.video_pair import MEASURES, PairOptions, measure_of_name

    options = PairOptions(**values)
    if (reference is None) == (pairs is None):
        raise click.UsageError("Give --reference PATH or --pairs FILE: what are the videos to be compared with?")
    if pairs is None:
        references = find_references(reference, VIDEO_SUFFIXES)
    else:
        references = ReferencesByList(pairs)
        operands = operands or tuple(references.made)
    found: dict[str, list[float]] = {name: [] for name in MEASURES}

    def seen(path: Path, facts: dict[str, Any]) -> None:
        for name in MEASURES:
            if facts[name] is not None:
                found[name].append(facts[name])

    code = run_measure(
        TOOL,
        operands,
        partial(measure_of_name, references=references, options=options),
        reads=VIDEO_SUFFIXES,
        columns=COLUMNS,
        as_json=json,
        null=null,
        verbosity=verbose - quiet,
        workers=workers,
        seen=seen,
    )
    if any(found.values()):
        Log(TOOL, verbose - quiet).info(_summary(found))
    return code


def _summary(found: dict[str, list[float]]) -> str:
    from tk_tools.metrics.intervals import mean_with_interval

    parts = []
    for name, values in found.items():
        if values:
            mean = mean_with_interval(values)
            interval = "" if mean.low is None else f" ({mean.low:.4g} to {mean.high:.4g})"
            parts.append(f"{name} {mean.value:.4g}{interval}")
    count = max(map(len, found.values()))
    return f"{count} {'clip' if count == 1 else 'clips'}: {', '.join(parts)}"


main = entry(command)

if __name__ == "__main__":
    main()

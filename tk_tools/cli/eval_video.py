"""tk-eval-video: made videos against their references, as numbers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from tk_tools import __version__
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
@click.option("--fid", is_flag=True, help="FID of the set too (pytorch-fid's Inception, all pictures, whole).")
@_options.summary
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
    fid: bool,
    summary: Path | None,
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
    A table on a terminal, tab-separated values into a pipe; the means, with 95 % bootstrap intervals over the clips, go
    to stderr.

    ssim (1 is equal) and psnr (dB; equal pictures count 100) are means over the pictures; ssim_mouth and psnr_mouth
    those of a box around the reference's mouth. lmd is the mean distance in pixels of the 20 lip landmarks, both mouths
    moved to their centres (Chen et al. 2018). identity is the cosine of dlib's face descriptors, once a second. What
    cannot be measured is left empty. --fid compares the two sets as a whole (with 2048 pictures or fewer it depends on
    how many); without its weights it is told as absent, with the command that fetches them. A pair of another size,
    rate or length is an error unless --align is given.

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
    from tk_tools.metrics.summary import check_summary, in_words, means_of, write_summary
    from tk_tools.metrics.video_pair import MEASURES, PairOptions, measure_of_name

    options = PairOptions(**values)
    if (reference is None) == (pairs is None):
        raise click.UsageError("Give --reference PATH or --pairs FILE: what are the videos to be compared with?")
    if pairs is None:
        references = find_references(reference, VIDEO_SUFFIXES)
    else:
        references = ReferencesByList(pairs)
        operands = operands or tuple(references.made)
    log = Log(TOOL, verbose - quiet)
    if summary is not None:
        check_summary(summary)
    found: dict[str, list[float]] = {name: [] for name in MEASURES}
    pairs_measured: list[tuple[Path, Path]] = []

    def seen(path: Path, facts: dict[str, Any]) -> None:
        pairs_measured.append((path, Path(facts["reference"])))
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
    means = means_of(found)
    if means:
        log.info(in_words(means))
    whole = {"clips": len(pairs_measured), "window": options.window, "aligned": options.align}
    if fid and pairs_measured:
        whole["fid"] = _fid(pairs_measured, options, log)
    if summary is not None:
        write_summary(summary, f"{TOOL} {__version__}", means, **whole)
    return code


def _fid(pairs: list[tuple[Path, Path]], options: Any, log: Any) -> float | None:
    """FID of the set; None, and a line that says how to get them, where its weights are not here."""
    from tk_tools.errors import WeightsError
    from tk_tools.metrics.video_fid import fid_of_videos
    from tk_tools.weights.find import find_weights

    try:
        weights = find_weights("fid-inception", options.weights_dir)
    except WeightsError as error:
        log.warn(f"fid is absent: {error}")
        return None
    value = fid_of_videos(*zip(*pairs, strict=True), weights, options.device)
    log.info(f"fid {value:.6g}, over all pictures of {len(pairs)} made and their real videos")
    return value


main = entry(command)

if __name__ == "__main__":
    main()

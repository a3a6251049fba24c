"""tk-eval-video: made videos by themselves or against their references, as numbers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from tk_tools import __version__
from tk_tools.cli import _options
from tk_tools.cli._main import ExitCode, entry
from tk_tools.metrics.networks import DEFAULT_LPIPS, LPIPS_NETWORKS

TOOL = "tk-eval-video"
COLUMNS = (
    "path", "reference", "frames", "ssim", "psnr", "lpips", "ssim_mouth", "psnr_mouth", "lpips_mouth", "lmd",
    "identity", "identity_network", "cpbd", "tool", "protocol", "error",
)  # fmt: skip
COLUMNS_ALONE = ("path", "frames", "frames_with_face", "cpbd", "tool", "protocol", "error")


@click.command(TOOL, context_settings=_options.CONTEXT)
@_options.operands("[INPUT]...")
@_options.reference
@_options.pairs
@click.option(
    "--window",
    type=click.Choice(["gaussian", "uniform"]),
    default="gaussian",
    help="Of SSIM: gaussian, 11 px (Wang et al. 2004), or uniform, 7 px (scikit-image's default), none over the edge.",
)
@click.option(
    "--align",
    is_flag=True,
    help="Scale the reference to the made pictures, take it at their rate, compare what both have.",
)
@click.option("--faces/--no-faces", default=True, help="Measure mouth, landmarks and identity too.")
@click.option(
    "--lpips",
    type=click.Choice(list(LPIPS_NETWORKS)),
    default=DEFAULT_LPIPS,
    help="The network of LPIPS v0.1: AlexNet, as most papers take it, or VGG16.",
)
@click.option("--fid", is_flag=True, help="FID of the set too (pytorch-fid's Inception, all pictures, whole).")
@click.option("--fvd", is_flag=True, help="FVD of the set too (VideoGPT's I3D, runs of 16 pictures, middle square).")
@_options.summary
@_options.face
@_options.backend
@_options.device
@_options.weights_dir
@_options.row_tool
def command(
    reference: Path | None,
    pairs: Path | None,
    lpips: str,
    fid: bool,
    fvd: bool,
    summary: Path | None,
    **values: Any,
) -> int:
    """Measure made videos, and how near they come to real ones.

    INPUT: the made videos, or folders searched for them; '-' or none: paths from standard input. Each is compared,
    picture by picture, with the video of its name (whatever the suffix) in the folder of references, or as a list says.
    A table on a terminal, tab-separated values into a pipe; the means, with 95 % bootstrap intervals over the clips, go
    to stderr. Without references only what needs none is measured: frames, those with a face, and cpbd.

    ssim (1 is equal), psnr (dB; equal pictures count 100) and lpips (0 is equal) are means over the pictures;
    ssim_mouth, psnr_mouth and lpips_mouth those of a box around the reference's mouth, which for LPIPS is scaled to 64
    px. lmd is the mean distance in pixels of the 20 lip landmarks, both mouths moved to their centres (Chen et al.
    2018). identity is the cosine of face descriptors, once a second: ArcFace's where its weights are here, else dlib's;
    identity_network says whose. cpbd is the sharpness of the made pictures, 1 at most (Narvekar and Karam 2011, the
    numbers of the package cpbd).

    What cannot be measured is left empty; a measure whose weights are not here is told once, with the command that
    fetches them, and listed in the summary under "absent". --fid and --fvd compare the two sets as a whole (with 2048
    pictures or 400 runs of them, or fewer, they depend on how many). A pair of another size, rate or length is an error
    unless --align is given.

    \b
    Examples:
      tk-eval-video --reference real/ made/
      tk-eval-video made/
      tk-infer wav2lip --checkpoint runs/gan talks/ dubbed/ | tk-eval-video --reference talks/ --json
      tk-eval-video --fid --fvd --summary all.json --reference real/ made/

    See also: tk-eval-lse (lip sync), tk-infer (the one before), tk-weights (what LPIPS, FID, FVD and ArcFace need).
    """
    from tk_tools.cli._log import Log
    from tk_tools.cli._measure import run_measure
    from tk_tools.cli._references import take_references
    from tk_tools.files.digest import file_digest
    from tk_tools.files.find import VIDEO_SUFFIXES
    from tk_tools.metrics.networks import find_networks
    from tk_tools.metrics.summary import check_summary, in_words, means_of, write_summary
    from tk_tools.metrics.video_pair import MEASURES, MEASURES_ALONE, PairOptions, measure_of_name, open_networks
    from tk_tools.metrics.video_sets import WEIGHTS, find_set_weights

    common = _options.take_common(values)
    log = Log(TOOL, common.verbosity)
    references, common = take_references(common, reference, pairs, VIDEO_SUFFIXES)
    alone = references is None
    if alone and (fid or fvd or values["align"]):
        raise click.UsageError("--fid, --fvd and --align need --reference PATH or --pairs FILE.")
    if (fid or fvd) and common.shard != (1, 1):
        raise click.UsageError("--fid and --fvd are of the set as a whole; a --shard of it has others.")
    if common.dask and values["weights_dir"] is not None:
        values["weights_dir"] = values["weights_dir"].absolute()
    absent: dict[str, str] = {}
    if alone:
        measures, options = MEASURES_ALONE, PairOptions(**values)
    else:
        networks, absent = find_networks(lpips, values["weights_dir"])
        measures, options = MEASURES, PairOptions(networks=networks, **values)
    if summary is not None:
        check_summary(summary)
    asked = [name for name, wanted in (("fid", fid), ("fvd", fvd)) if wanted]
    weights, missing = find_set_weights(asked, options.weights_dir)
    absent |= missing
    for name, reason in absent.items():
        log.warn(f"{name} is absent: {reason}")
    open_networks(options)
    found: dict[str, list[float]] = {name: [] for name in measures}
    measured: list[tuple[Path, Path | None]] = []

    def seen(path: Path, facts: dict[str, Any]) -> None:
        measured.append((path, None if alone else Path(facts["reference"])))
        if options.faces and not alone and not facts["frames_with_face"]:
            log.warn(f"{path}: no picture with a face in it and in its reference; mouth, lmd and identity are left out")
        for name in measures:
            if facts[name] is not None:
                found[name].append(facts[name])

    code, failed = run_measure(
        TOOL,
        common,
        partial(measure_of_name, references=references, options=options),
        reads=VIDEO_SUFFIXES,
        columns=COLUMNS_ALONE if alone else COLUMNS,
        seen=seen,
    )
    means = means_of(found)
    if means:
        log.info(in_words(means, failed))
    whole: dict[str, Any] = {"clips": len(measured), "failed": failed, "shard": common.shard, "faces": options.faces}
    if not alone:
        digests = options.networks.digests() | {WEIGHTS[name]: file_digest(path) for name, path in weights.items()}
        whole |= {"window": options.window, "aligned": options.align, "lpips_network": lpips, "weights": digests}
    whole |= dict.fromkeys(asked)
    if measured:
        distances = _distances(weights, measured, options.device, log)
        whole |= distances
        if None in distances.values():
            code = ExitCode.SOME_FAILED
    if summary is not None:
        write_summary(summary, f"{TOOL} {__version__}", means, absent=absent, **whole)
    return code


def _distances(weights: dict[str, Path], pairs: list[tuple[Path, Path]], device: str, log: Any) -> dict[str, Any]:
    """Of the two sets, by measure; None where it cannot be taken, which is told."""
    from tk_tools.errors import TkError
    from tk_tools.metrics.video_sets import distance_of_sets

    distances: dict[str, float | None] = {}
    for name, file in weights.items():
        distances[name] = None
        try:
            distances[name] = distance_of_sets(name, *zip(*pairs, strict=True), file, device)
            log.info(f"{name} {distances[name]:.6g}, of {len(pairs)} made videos and their real ones")
        except TkError as error:
            log.error(f"{name}: {error}")
    return distances


main = entry(command)

if __name__ == "__main__":
    main()

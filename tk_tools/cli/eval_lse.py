"""tk-eval-lse: lip sync of videos, as numbers."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import click

from tk_tools import __version__
from tk_tools.cli import _options
from tk_tools.cli._main import entry

COLUMNS = ("path", "frames", "offset", "lse_d", "lse_c", "faces", "tool", "protocol", "error")
TRACK_COLUMNS = ("path", "track", "first_frame", *COLUMNS[1:])

TOOL = "tk-eval-lse"
SUMMED = ("lse_d", "lse_c", "offset")  # of a set, offsets by their size: +5 and -5 are not none


@click.command(TOOL, context_settings=_options.CONTEXT)
@_options.operands("[INPUT]... [OUTPUT]")
@click.option(
    "--expert",
    type=_options.path_type(exists=True),
    metavar="RUN|FILE",
    help="Judge with this Wav2Lip expert: a run of tk-train, or a file of weights.",
)
@click.option(
    "--checkpoint",
    type=_options.path_type(dir_okay=False),
    metavar="FILE",
    help="Published SyncNet v2 (syncnet_v2.model), when it is not where tk-weights puts it.",
)
@_options.weights_dir
@click.option(
    "--max-shift",
    type=click.IntRange(1, 100),
    default=15,
    help="Shifts to try, in frames of 40 ms to both sides; published numbers use 15.",
)
@click.option("--whole-frame", is_flag=True, help="Videos show a face alone: take them as they are (LRS procedure).")
@click.option(
    "--published-tracks",
    is_flag=True,
    help="Find faces as published values for real videos do (syncnet_python): a row for each face track.",
)
@_options.face
@_options.backend
@_options.device
@click.option(
    "--curves",
    type=_options.path_type(dir_okay=False),
    metavar="FILE.sync.h5",
    help="Keep the mean curve of each clip and the distances of each window.",
)
@_options.summary
@click.option(
    "--keep",
    metavar="CONDITION",
    help="Print the paths alone of the clips for which it holds, such as 'lse_c >= 3 and abs(offset) <= 2'.",
)
@click.option(
    "--fix",
    is_flag=True,
    help="Write each clip (that --keep keeps) into the folder OUTPUT, its sound moved by the offset measured.",
)
@_options.file_tool
def command(**values: Any) -> int:
    """Measure how well mouth and sound agree: LSE-D, LSE-C and offset.

    INPUT: videos or NAME.face.h5, or folders searched for them; '-' or none: paths from standard input. A table on a
    terminal, tab-separated values into a pipe; the means go to stderr.

    LSE-D is the mean distance of mouth and sound at the best shift (less is better), LSE-C how much it lies below the
    median over all shifts (more is better), offset that shift in frames of 40 ms: positive when the sound lies earlier
    than the picture it belongs to. Without --expert the judge is the published SyncNet v2 (crops `syncnet`, 224 px,
    MFCC), with zeros beyond the ends of a clip as published. With --expert its vectors have unit length, so distances
    are Euclidean from 0 to 1.41, and are only taken where there is sound (crops `wav2lip`, 96 px, mel): they cannot be
    set against published ones. Rows that are not for a terminal also say how it was measured: the tool with its
    version, and as protocol the judge, the digest of its weights, crop, frame rate and shifts.

    --keep screens a data set: its CONDITION is made of numbers, lse_d, lse_c, offset, frames and frames_without_face,
    comparisons, arithmetic, and, or, not, abs, min, max and round. With --json it prints the rows of these clips.
    --fix writes NAME.mp4, at 25 frames/s with mono sound, and prints its path instead of a row; --force goes with it.

    --published-tracks is the procedure of syncnet_python for videos as they are: S3FD (tk-weights fetch s3fd-syncnet),
    shots, tracks of more than 100 frames and 100 px, its crops; rows then have track and first_frame. --face and
    --backend have no part in it; it decodes each video twice and needs the published judge. Sound is taken from the
    source: the original's way over MP3 delays it, so its offsets are up to two frames lower.

    A clip that cannot be measured (no sound, no face, shorter than 1.12 s, which are 28 frames) has the reason in its
    row, and the exit code is 1. With --max-shift N it needs 1.5 N + 5 frames, so that at each shift a third of its
    windows or more have sound beside them.

    \b
    Examples:
      tk-eval-lse talks/
      tk-eval-lse --expert runs/expert --curves made.sync.h5 made.mp4
      tk-infer wav2lip --checkpoint runs/gan faces/ speech.wav out/ | tk-eval-lse --json
      tk-eval-lse --fix --workers 8 raw/ fixed/
      tk-eval-lse --keep 'lse_c >= 3 and abs(offset) <= 2' raw/ | tk-crop-face - train/

    See also: tk-infer (the one before), tk-plot (draws the curves), tk-weights fetch syncnet-v2, tk-crop-face.
    """
    expert, checkpoint = values["expert"], values["checkpoint"]
    if expert and checkpoint:
        raise click.UsageError("--expert and --checkpoint are two judges; give one of them.")
    if values["published_tracks"] and (expert or values["whole_frame"] or values["keep"] or values["fix"]):
        raise click.UsageError("--published-tracks goes without --expert, --whole-frame, --keep and --fix.")
    common = _options.take_common(values)
    if values.pop("fix"):
        values.pop("published_tracks")
        return _fix(common, values)
    return _measure(common, values)


def _fix(common: _options.Common, values: dict[str, Any]) -> int:
    from tk_tools.cli._batch import run_batch
    from tk_tools.files.find import VIDEO_SUFFIXES
    from tk_tools.metrics.condition import Condition
    from tk_tools.metrics.fix_sync import FixOptions, fix_sync
    from tk_tools.metrics.sync_clips import MEASURES, find_judge, load_judge

    expert, checkpoint, curves, summary = (values.pop(name) for name in ("expert", "checkpoint", "curves", "summary"))
    if curves or summary:
        raise click.UsageError("--curves and --summary go with measuring alone, not with --fix.")
    if values["keep"] is not None:
        Condition(values["keep"], MEASURES)
    options = FixOptions(judge="expert" if expert else "syncnet-v2", **values)
    weights = find_judge(expert, checkpoint, options.weights_dir)

    def check() -> None:
        load_judge(options.judge, weights, options.device)

    return run_batch(
        TOOL,
        common,
        fix_sync,
        options,
        reads=VIDEO_SUFFIXES,
        suffix=".mp4",
        also=(weights,),
        check=check,
    )


def _measure(common: _options.Common, values: dict[str, Any]) -> int:
    from tk_tools.cli._log import Log
    from tk_tools.cli._measure import run_measure
    from tk_tools.files.digest import file_digest
    from tk_tools.files.find import VIDEO_SUFFIXES
    from tk_tools.files.sync_file import create_sync_file
    from tk_tools.metrics.condition import Condition
    from tk_tools.metrics.published_tracks import tracks_for_rows
    from tk_tools.metrics.summary import check_summary, means_of, write_summary
    from tk_tools.metrics.sync_clips import MEASURES, ClipOptions, find_judge, load_judge, measure_for_row
    from tk_tools.weights.find import find_together

    taken = ("expert", "checkpoint", "curves", "keep", "summary", "published_tracks")
    expert, checkpoint, curves, keep, summary, published = (values.pop(name) for name in taken)
    condition = None if keep is None else Condition(keep, MEASURES)
    if common.force:
        raise click.UsageError("--force goes with --fix.")
    if curves:
        _check_curves(curves)
    if summary is not None:
        check_summary(summary)
    if common.dask and values["weights_dir"] is not None:
        values["weights_dir"] = values["weights_dir"].absolute()
    options = ClipOptions(**values)
    name = "expert" if expert else "syncnet-v2"
    if published:
        needed = ("s3fd-syncnet",) if checkpoint else ("s3fd-syncnet", "syncnet-v2")
        detector = find_together(needed, options.weights_dir)[0].absolute()
    weights = find_judge(expert, checkpoint, options.weights_dir).absolute()  # for the workers of a cluster too
    protocol = load_judge(name, weights, options.device).protocol(options)
    if published:
        protocol["detector"] = file_digest(detector)
        measure = partial(tracks_for_rows, weights=weights, detector=detector, options=options)
    else:
        measure = partial(measure_for_row, judge=name, weights=weights, options=options, condition=condition)
    rows: list[dict[str, Any]] = []

    def seen(path: Path, facts: dict[str, Any]) -> None:
        result = facts.pop("result")
        if writer is not None:
            clip = Path(f"{path}#{facts['track']}") if published else path
            writer.append(clip, curve=result.curve, distance=result.distances)
        rows.append({name: facts[name] for name in (*SUMMED, "kept", "track") if name in facts})
        facts["protocol"] = protocol
        facts["tool"] = f"{TOOL} {__version__}"

    curves_file = nullcontext() if curves is None else create_sync_file(curves, judge=weights, protocol=protocol)
    with curves_file as writer:
        code, failed = run_measure(
            TOOL,
            common,
            measure,
            reads=(*VIDEO_SUFFIXES, ".face.h5"),
            columns=TRACK_COLUMNS if published else COLUMNS,
            seen=seen,
            kept=None if condition is None else lambda row: row.get("kept", False),
        )
    means = means_of({name: [abs(row[name]) for row in rows] for name in SUMMED})
    if rows:
        Log(TOOL, common.verbosity).info(_in_words(rows, means, failed))
    if summary is not None:
        write_summary(
            summary,
            f"{TOOL} {__version__}",
            means,
            clips=len(rows),
            failed=failed,
            shard=common.shard,
            protocol=protocol,
        )
    return code


def _check_curves(path: Path) -> None:
    """UsageError: not the name of a file of curves. InputError: something else stands there."""
    from tk_tools.errors import InputError
    from tk_tools.files.h5 import open_h5
    from tk_tools.files.sync_file import SYNC

    if not path.name.endswith(SYNC.suffix):
        raise click.UsageError(f"--curves: {path} does not end in {SYNC.suffix}.")
    if path.exists():
        try:
            open_h5(path, SYNC).close()
        except InputError as error:
            raise InputError("is there already and is no file of curves; move it or name another", path=path) from error


def _in_words(rows: list[dict[str, Any]], means: dict[str, Any], failed: int) -> str:
    from statistics import median

    from tk_tools.metrics.summary import failed_in_words, interval_in_words

    parts = [f"{title} {interval_in_words(means[name])}" for name, title in (("lse_d", "LSE-D"), ("lse_c", "LSE-C"))]
    offset = median(row["offset"] for row in rows)
    what = "track" if "track" in rows[0] else "clip"
    clips = f"{len(rows)} {what}" + ("" if len(rows) == 1 else "s") + failed_in_words(failed)
    kept = f", {sum(row['kept'] for row in rows)} kept" if "kept" in rows[0] else ""
    return f"{clips}{kept}: {', '.join(parts)}, offset {offset:g} (means, median of the offsets)"


main = entry(command)

if __name__ == "__main__":
    main()

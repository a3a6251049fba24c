"""tk-demo-data: clips or recordings with known truth -> NAME.mp4, NAME.truth.h5, or NAME.wav, NAME.TextGrid."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from tk_tools.cli import _options
from tk_tools.cli._main import entry
from tk_tools.cli._output import write_line

LONGEST_SHIFT = 15  # frames, that of tk_tools.demo.script (a test holds the two together)


def _finite(context, parameter, value: float) -> float:
    if math.isnan(value):  # no comparison with the range's ends catches it
        raise click.BadParameter("nan is no length.")
    return value


@click.command("tk-demo-data", context_settings=_options.CONTEXT)
@click.argument("folder", metavar="OUT", type=_options.path_type(file_okay=False))
@click.option(
    "--clips", type=click.IntRange(min=1), default=8, metavar="N", help="How many clips to make (of each speaker)."
)
@click.option(
    "--speakers",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="Make recordings of so many speakers instead of videos, a sentence each.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.2, 600),
    callback=_finite,
    default=5.0,
    metavar="S",
    help="Length of each clip in seconds.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Another seed draws other people, sentences and ways to speak: clips that training has not seen.",
)
@click.option(
    "--start",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Number of the first clip; clip N never changes.",
)
@click.option(
    "--size", type=click.IntRange(64, 1024), default=256, metavar="PX", help="Width and height of the pictures."
)
@click.option(
    "--shift",
    type=click.IntRange(-LONGEST_SHIFT, LONGEST_SHIFT),
    default=0,
    metavar="N",
    help="Frames (1/25 s) by which the sound comes before its picture (-N: after it); tk-eval-lse finds offset N.",
)
@_options.workers
@_options.force
@_options.json_lines
@_options.verbosity
def command(folder: Path, **values: Any) -> None:
    """Make talking-head clips, or recordings of several speakers, whose truth is known.

    Writes demo-SEED-NUMBER.mp4 (25 pictures per second, H.264 and AAC) into the folder OUT and prints the path of each;
    beside it demo-SEED-NUMBER.truth.h5 says how far the mouth is open in each picture, and what is said when. A drawn
    face (the public-domain portrait in scikit-image, reshaped) speaks English sentences (espeak-ng). The same options
    give the same bytes. A clip that is there already, made with the same options, is left as it is.

    With --speakers: OUT/VOICE/VOICE_NUMBER.wav, a made voice (espeak-ng) that says one sentence, beside it what it says
    (.txt) and which phone is heard when (.TextGrid, as tk-align reads it).

    \b
    Examples:
      tk-demo-data --clips 30 train/
      tk-demo-data --clips 1 --seed 99 heldout/
      tk-demo-data --clips 10 --seed 7 --shift 3 late/ | tk-crop-face - faces/
      tk-demo-data --speakers 6 --clips 20 voices/

    See also: tk-crop-face (the next in the chain), tk-info (what is in NAME.truth.h5), tk-eval-lse.
    """
    from tk_tools.cli._log import Log

    count, speakers = values["clips"], values["speakers"]
    given = click.get_current_context().get_parameter_source
    of_clips = [name for name in ("seconds", "size", "shift") if given(name) is ParameterSource.COMMANDLINE]
    if speakers and of_clips:
        raise click.UsageError(f"--{of_clips[0]} is of clips; recordings of --speakers have none.")
    made = _made(folder, values)
    log = Log("tk-demo-data", values["verbose"] - values["quiet"])
    current, count = 0, count * (speakers or 1)
    try:
        for number, clip in enumerate(made, start=1):
            current += clip.status == "current"
            _print(clip, values["json"])
            log.progress(f"{number} of {count} clips")
    finally:
        made.close()
        log.close()
    log.info(f"{count - current} done" + (f", {current} already there" if current else ""))


def _made(folder: Path, values: dict[str, Any]) -> Iterator[Any]:
    """The clips or recordings that the options ask for, each when it is finished."""
    from tk_tools.demo.clip import ClipOptions
    from tk_tools.demo.clips import make_clips, make_recordings
    from tk_tools.demo.recording import RecordingOptions

    how = {"count": values["clips"], "workers": values["workers"], "force": values["force"]}
    if values["speakers"]:
        first = RecordingOptions(seed=values["seed"], speaker=0, index=values["start"])
        return make_recordings(folder, first, speakers=values["speakers"], **how)
    drawn = {name: values[name] for name in ("seed", "seconds", "size", "shift")}
    return make_clips(folder, ClipOptions(index=values["start"], **drawn), **how)


def _print(clip, as_json: bool) -> None:
    line = str(clip.path)
    if as_json:
        line = json.dumps({"path": line, "status": clip.status, "truth": str(clip.truth)}, sort_keys=True)
    write_line(line)


main = entry(command)

if __name__ == "__main__":
    main()

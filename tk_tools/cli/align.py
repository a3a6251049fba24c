"""tk-align: sound and the times of its phones -> NAME.avgmel.h5."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tk_tools.audio.speech_choices import OFFLINE_RECOGNISER
from tk_tools.cli import _options
from tk_tools.cli._main import entry

TOOL = "tk-align"
AVERAGES = "averages.phones.h5"


@click.command(TOOL, context_settings=_options.CONTEXT)
@_options.operands("[INPUT]... OUTPUT")
@click.option(
    "--textgrids",
    type=_options.path_type(file_okay=False),
    metavar="FOLDER",
    help="Phones are in FOLDER as NAME.TextGrid, tier 'phones'; --mfa and --recogniser write them there.  "
    "[default for these: OUTPUT/textgrids]",
)
@click.option("--mfa", is_flag=True, help="Get them from an installed Montreal Forced Aligner and transcripts.")
@click.option(
    "--dictionary",
    metavar="NAME|FILE",
    help="Pronunciation dictionary of --mfa.  [default: english_us_arpa]",
)
@click.option(
    "--acoustic-model",
    metavar="NAME|FILE",
    help="Acoustic model of --mfa.  [default: english_us_arpa]",
)
@click.option(
    "--recogniser",
    type=click.Choice([OFFLINE_RECOGNISER]),
    help="Get them by listening, with or without transcripts (English).",
)
@click.option(
    "--averages",
    type=_options.path_type(exists=True, dir_okay=False),
    metavar="FILE.phones.h5",
    help=f"Take the phones' averages of an earlier run, its OUTPUT/{AVERAGES}, instead of these sounds'.",
)
@_options.file_tool
def command(**values: Any) -> int:
    """Say recordings in an average voice: mels to train DiffVC on.

    INPUT: wav files (or any sound), or folders searched for them; '-' or none: paths from standard input. OUTPUT: a
    folder, or with --averages one NAME.avgmel.h5. Prints the path of each finished file.

    In each mel (preset diffvc) the frames of a phone are replaced by that phone's average over all sounds of the run:
    per interval the median, of these in each band the most frequent. All phone sets will do; a few minutes of speech
    give rough averages. OUTPUT/averages.phones.h5 keeps them; results made with others are made again.

    The phones come from one of these:

    \b
      --textgrids FOLDER          TextGrids with the name of each sound, in the same folders or in one
      --mfa                       transcripts beside the sounds (NAME.lab or NAME.txt), aligned by MFA
      --recogniser pocketsphinx   listening; a transcript that is there is laid on its sound

    A sound whose TextGrid has an unknown word (spn) is left out, and said. One that has no TextGrid, or cannot be read,
    is told on stderr, the others are done, and the exit code is 1. --shard does a part of the results, with averages of
    all INPUT, which is why --mfa and --recogniser need --averages with it.

    \b
    Examples:
      tk-align --textgrids grids/ --workers 8 wavs/ avg/
      tk-align --recogniser pocketsphinx wavs/ avg/ | tk-plot - pictures/
      tk-align --averages avg/averages.phones.h5 --textgrids more-grids/ more-wavs/ avg/

    See also: tk-mel --preset diffvc (the same frames as they were), tk-plot, tk-train diffvc (the one after).
    """
    common = _options.take_common(values)
    _check_usage(common, values)
    from tk_tools.audio.align import AlignOptions, make_average_mel, read_averages
    from tk_tools.audio.align_plan import AlignPlan
    from tk_tools.audio.mfa import MfaOptions, check_mfa
    from tk_tools.audio.phone_recogniser import RecogniserOptions, check_recogniser
    from tk_tools.cli._batch import run_batch
    from tk_tools.files.average_mel_file import AVERAGE_MEL
    from tk_tools.files.find import AUDIO_SUFFIXES

    aligner: MfaOptions | RecogniserOptions | None = None
    if values["mfa"]:
        aligner = MfaOptions(**{name: values[name] for name in ("dictionary", "acoustic_model") if values[name]})
    elif values["recogniser"]:
        aligner = RecogniserOptions(values["recogniser"])
    options = AlignOptions()
    output = common.operands[-1] if common.operands else Path()
    folder = output.parent if output.name.endswith(AVERAGE_MEL.suffix) and not output.is_dir() else output

    def check() -> None:
        if values["mfa"]:
            check_mfa()
        if values["recogniser"]:
            check_recogniser()
        if values["averages"]:
            read_averages(values["averages"], options)

    plan = AlignPlan(
        output=folder,
        textgrids=values["textgrids"] or folder / "textgrids",
        aligner=aligner,
        averages=values["averages"],
        made_averages=folder / AVERAGES,
        options=options,
        workers=common.workers,
        dask=common.dask,
        force=common.force,
    )
    return run_batch(
        TOOL,
        common,
        make_average_mel,
        options,
        reads=AUDIO_SUFFIXES,
        suffix=AVERAGE_MEL.suffix,
        check=check,
        plan=plan,
    )


def _check_usage(common: _options.Common, values: dict[str, Any]) -> None:
    """UsageError: options that do not go together."""
    listening = values["mfa"] or values["recogniser"]
    if values["mfa"] and values["recogniser"]:
        raise click.UsageError("--mfa and --recogniser both say where phones come from; give one of them.")
    if not listening and values["textgrids"] is None:
        raise click.UsageError(
            "Where do the phones come from? Give --textgrids FOLDER, --mfa (Montreal Forced Aligner, with transcripts) "
            f"or --recogniser {OFFLINE_RECOGNISER}."
        )
    if not listening and not values["textgrids"].is_dir():
        raise click.BadParameter(f"there is no folder {values['textgrids']}.", param_hint="'--textgrids'")
    if not values["mfa"] and (values["dictionary"] or values["acoustic_model"]):
        raise click.UsageError("--dictionary and --acoustic-model go with --mfa.")
    if values["averages"] is not None:
        return
    if listening and common.shard != (1, 1):
        raise click.UsageError(
            "--shard with --mfa or --recogniser needs --averages: they are of all sounds, not of a shard's."
        )
    if common.operands and common.operands[-1].name.endswith(".avgmel.h5") and not common.operands[-1].is_dir():
        raise click.UsageError(
            "One NAME.avgmel.h5 needs --averages FILE.phones.h5; for averages of INPUT name a folder."
        )


main = entry(command)

if __name__ == "__main__":
    main()

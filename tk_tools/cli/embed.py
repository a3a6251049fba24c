"""tk-embed: sound -> NAME.embed.h5; with --matrix, how alike the voices of such files are."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from tk_tools.audio.speaker_presets import PER, STEPS
from tk_tools.cli import _options
from tk_tools.cli._main import entry

TOOL = "tk-embed"


@click.command(TOOL, context_settings=_options.CONTEXT)
@_options.operands("[INPUT]... [OUTPUT]")
@click.option(
    "--preset",
    type=click.Choice(list(STEPS)),
    default="diffvc",
    help="The windows of this system, of 1.6 s every 0.80 s (diffvc) or 0.77 s (resemblyzer); its weights are one.",
)
@click.option(
    "--per",
    type=click.Choice(PER),
    default="file",
    help="What an embedding is made of; the folder that files lie in is their speaker.",
)
@click.option(
    "--matrix",
    type=_options.path_type(dir_okay=False),
    metavar="FILE.png",
    help="Print the cosine similarities of NAME.embed.h5 files instead, and draw them; no OUTPUT is named.",
)
@_options.weights_dir
@_options.device
@_options.file_tool
def command(**values: Any) -> int:
    """Embed voices: vectors that lie close for one speaker.

    INPUT: wav files (or any sound or video), or folders searched for them; '-' or none: paths from standard input.
    OUTPUT: a folder, or one NAME.embed.h5. Prints the path of each finished file. The encoder is GE2E with its
    published weights (256 numbers, unit length): a cosine similarity near 0.8 is one voice, near 0.5 are two.

    --per speaker averages the files of each folder: wavs/p225/*.wav give p225.embed.h5; it begins when the whole list
    has come. --per window keeps a row for each window, with its time. Silence is cut out; of speech 0.5 s are needed
    to tell a voice, 2 s or more are better. Sound that cannot be read or holds no speech is told on stderr, the others
    are done (of a speaker: averaged), and the exit code is 1.

    --matrix reads NAME.embed.h5 and prints a row for each: a table on a terminal (of many files the most alike of
    each), tab-separated values into a pipe, or NDJSON. The same files in folders, a speaker each, are summed up on
    stderr: cosines of one voice and of two, and the equal error rate (EER).

    \b
    Examples:
      tk-embed --workers 8 wavs/ embeds/
      tk-embed --per speaker wavs/ speakers/
      tk-embed wavs/ embeds/ | tk-embed --matrix alike.png - > alike.tsv

    See also: tk-weights fetch ge2e, tk-plot, tk-mel, tk-eval-audio (similarity of pairs).
    """
    common = _options.take_common(values)
    matrix = values.pop("matrix")
    if matrix is not None:
        from tk_tools.cli._matrix import print_matrix

        _refuse_others()
        return print_matrix(TOOL, common, matrix)
    return _embed(common, values.pop("weights_dir"), values)


def _embed(common: _options.Common, weights_dir: Path | None, values: dict[str, Any]) -> int:
    from tk_tools.audio.make_embed import EmbedOptions, failed_before, make_embed
    from tk_tools.audio.speaker import load_encoder
    from tk_tools.cli._batch import run_batch
    from tk_tools.files.find import AUDIO_SUFFIXES, VIDEO_SUFFIXES
    from tk_tools.weights.find import find_weights

    @functools.cache
    def weights() -> Path:
        return find_weights("ge2e", weights_dir)

    def check() -> None:
        load_encoder(weights(), options.device)

    options = EmbedOptions(**values)
    speakers = options.per == "speaker"
    return run_batch(
        TOOL,
        common,
        make_embed,
        options,
        reads=AUDIO_SUFFIXES + VIDEO_SUFFIXES,
        suffix=".embed.h5",
        also=lambda _: (weights(),),
        check=check,
        stem=(lambda folder: folder.name) if speakers else None,
        whole_folders=speakers,
        recall=failed_before if speakers else None,
    )


def _refuse_others() -> None:
    """Options that would be passed over are wrong usage."""
    context = click.get_current_context()
    for option in ("preset", "per", "weights_dir", "device", "workers", "dask", "shard", "force"):
        if context.get_parameter_source(option) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{option.replace('_', '-')} has no part in --matrix, which reads finished files.")


main = entry(command)

if __name__ == "__main__":
    main()

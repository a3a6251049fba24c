"""tk-extract-audio: video or sound -> NAME.wav."""

from __future__ import annotations

from typing import Any

import click

from tk_tools.cli import _options
from tk_tools.cli._main import entry


@click.command("tk-extract-audio", context_settings=_options.CONTEXT)
@_options.operands("[INPUT]... OUTPUT")
@click.option(
    "--sample-rate",
    type=click.IntRange(0, 192000),
    default=16000,
    help="Samples per second (Hz); 0 keeps the source's.",
)
@click.option(
    "--align/--no-align",
    default=True,
    help="Begin with the first picture: silence or a cut where the sound starts elsewhere.",
)
@_options.file_tool
def command(**values: Any) -> int:
    """Take the sound out of videos, or bring sound files to one form.

    INPUT: video or sound files, or folders searched for them; '-' or none: paths from standard input. OUTPUT: a folder,
    or one NAME.wav: mono, PCM 16-bit. Prints the path of each finished file.

    A file without sound is told on stderr, the others are done, and the exit code is 1.

    \b
    Examples:
      tk-extract-audio talks/ wavs/
      tk-extract-audio --sample-rate 22050 song.mp3 song.wav
      find talks -name '*.mp4' -print0 | tk-extract-audio -0 - wavs/ | tk-mel - mels/

    See also: tk-mel (the next in the chain), tk-extract-frames.
    """
    from tk_tools.cli._batch import run_batch
    from tk_tools.files.extract import AudioOptions, extract_audio
    from tk_tools.files.find import AUDIO_SUFFIXES, VIDEO_SUFFIXES

    common = _options.take_common(values)
    options = AudioOptions(sample_rate=values["sample_rate"] or None, align=values["align"])
    reads = VIDEO_SUFFIXES + AUDIO_SUFFIXES
    return run_batch("tk-extract-audio", common, extract_audio, options, reads=reads, suffix=".wav")


main = entry(command)

if __name__ == "__main__":
    main()

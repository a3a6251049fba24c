"""tk-mel: sound -> NAME.mel.h5."""

from __future__ import annotations

import textwrap
from typing import Any

import click

from tk_tools.audio.mel_presets import PRESETS
from tk_tools.cli import _options
from tk_tools.cli._main import entry

_PRESET_HELP = "\n".join(
    textwrap.fill(f"  {preset.name:<10} {preset.summary}", width=96, subsequent_indent=" " * 13)
    for preset in PRESETS.values()
)


@click.command("tk-mel", context_settings=_options.CONTEXT)
@_options.operands("[INPUT]... OUTPUT")
@click.option("--preset", type=click.Choice(list(PRESETS)), default="wav2lip", help="The front end of this system.")
@_options.file_tool
def command(**values: Any) -> int:
    """Make mel spectrograms as each published system does.

    INPUT: wav files (or any sound or video), or folders searched for them; '-' or none: paths from standard input.
    OUTPUT: a folder, or one NAME.mel.h5. Other sample rates are converted; the sound of a video begins with its
    first picture. Prints the path of each finished file.

    Sound that cannot be read or holds no numbers is told on stderr, the others are done, and the exit code is 1.

    \b
    Examples:
      tk-mel --preset diffvc --workers 8 wavs/ mels/
      tk-extract-audio talks/ wavs/ | tk-mel - mels/

    See also: tk-extract-audio (the one before), tk-plot, tk-info.
    """
    from tk_tools.audio.make_mel import MelOptions, make_mel
    from tk_tools.cli._batch import run_batch
    from tk_tools.files.find import AUDIO_SUFFIXES, VIDEO_SUFFIXES

    common = _options.take_common(values)
    reads = AUDIO_SUFFIXES + VIDEO_SUFFIXES
    return run_batch("tk-mel", common, make_mel, MelOptions(**values), reads=reads, suffix=".mel.h5")


command.epilog = f"\b\nPresets:\n{_PRESET_HELP}"
main = entry(command)

if __name__ == "__main__":
    main()

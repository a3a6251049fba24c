"""tk-extract-frames: video -> NAME.frames.h5."""

from __future__ import annotations

from typing import Any

import click

from tk_tools.cli import _options
from tk_tools.cli._main import entry


@click.command("tk-extract-frames", context_settings=_options.CONTEXT)
@_options.operands("[INPUT]... OUTPUT")
@_options.fps
@_options.codec
@_options.quality
@_options.sample_rate
@_options.file_tool
def command(**values: Any) -> int:
    """Store the pictures and the sound of videos in HDF5.

    INPUT: videos, or folders searched for them; '-' or none: paths from standard input. OUTPUT: a folder, or one
    NAME.frames.h5. Prints the path of each finished file. Rotation, variable frame rate and the start of the sound are
    honoured: picture k shows what is seen k/fps seconds after the first picture, and the sound lies beside it.

    A video that cannot be read is told on stderr, the others are done, and the exit code is 1.

    \b
    Examples:
      tk-extract-frames talks/ frames/
      tk-extract-frames --fps 30000/1001 --codec png talk.mov talk.frames.h5
      find talks -name '*.mp4' | tk-extract-frames --workers 4 - frames/

    See also: tk-crop-face (the next in the chain), tk-extract-audio, tk-info.
    """
    from tk_tools.cli._batch import run_batch
    from tk_tools.files.extract import FramesOptions, extract_frames
    from tk_tools.files.find import VIDEO_SUFFIXES

    common = _options.take_common(values)
    options = FramesOptions(**values)
    return run_batch("tk-extract-frames", common, extract_frames, options, reads=VIDEO_SUFFIXES, suffix=".frames.h5")


main = entry(command)

if __name__ == "__main__":
    main()

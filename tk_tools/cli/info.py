"""tk-info: what is in a file."""

from __future__ import annotations

from typing import Any

import click

from tk_tools.cli import _options
from tk_tools.cli._main import entry

COLUMNS = (
    "path", "kind", "frames", "fps", "seconds", "width", "height", "sample_rate", "faces", "bands", "rows",
    "per", "source", "marked_synthetic", "error",
)  # fmt: skip


@click.command("tk-info", context_settings=_options.CONTEXT)
@_options.operands("[INPUT]...")
@_options.json_lines
@_options.null
@_options.verbosity
def command(**values: Any) -> int:
    """Print what is in files: kind, size, rates, source.

    INPUT: the HDF5 files of these tools, videos, sounds, pictures, or folders searched for them; '-' or none: paths
    from standard input. A table on a terminal, tab-separated values into a pipe; --json has every fact, also the
    options that made the file. frames counts the pictures in a video as its container does (empty where it does not);
    marked_synthetic says whether tk-infer or tk-demo-data left their mark in a video, sound or picture: True, or False,
    which does not prove that it is none. A file that cannot be read has its fault in the row and on stderr; the exit
    code is 1.

    \b
    Examples:
      tk-info talk.mp4 faces/
      tk-crop-face talks/ faces/ | tk-info --json | head -1

    See also: tk-check (reads the file to its last byte), tk-plot.
    """
    from tk_tools.cli._measure import run_measure
    from tk_tools.files.find import AUDIO_SUFFIXES, PICTURE_SUFFIXES, VIDEO_SUFFIXES
    from tk_tools.files.info import describe_file

    return run_measure(
        "tk-info",
        _options.take_common(values),
        describe_file,
        reads=(".h5", *VIDEO_SUFFIXES, *AUDIO_SUFFIXES, *PICTURE_SUFFIXES),
        columns=COLUMNS,
    ).code


main = entry(command)

if __name__ == "__main__":
    main()

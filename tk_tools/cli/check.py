"""tk-check: is a file whole, and as its kind says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tk_tools.cli import _options
from tk_tools.cli._main import entry

COLUMNS = ("path", "kind", "frames", "samples", "rows", "state")


@click.command("tk-check", context_settings=_options.CONTEXT)
@_options.operands("[INPUT]...")
@_options.workers
@_options.json_lines
@_options.null
@_options.verbosity
def command(**values: Any) -> int:
    """Check that files are whole and to their schema.

    INPUT: the HDF5 files of these tools, videos, sounds, pictures, or folders searched for them; '-' or none: paths
    from standard input. Every picture is decoded and every checksum compared; lengths of pictures, faces and sound
    must agree. frames counts the pictures in the file, whatever their times. Prints a row for each file; a fault is
    told on stderr, and the exit code is 1.

    \b
    Examples:
      tk-check faces/
      find . -name '*.face.h5' -print0 | tk-check -0 -q && make train

    See also: tk-info (what is in a file), docs/formats.md (the schemas).
    """
    from tk_tools.cli._measure import run_measure
    from tk_tools.files.check import check_file
    from tk_tools.files.find import AUDIO_SUFFIXES, PICTURE_SUFFIXES, VIDEO_SUFFIXES

    def seen(path: Path, facts: dict[str, Any]) -> None:
        facts["state"] = "whole"

    return run_measure(
        "tk-check",
        _options.take_common(values),
        check_file,
        reads=(".h5", *VIDEO_SUFFIXES, *AUDIO_SUFFIXES, *PICTURE_SUFFIXES),
        columns=(*COLUMNS, "error"),
        seen=seen,
    ).code


main = entry(command)

if __name__ == "__main__":
    main()

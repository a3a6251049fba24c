"""tk-doctor: what is installed, and what each missing thing costs."""

from __future__ import annotations

from pathlib import Path

import click

from tk_tools.cli import _options
from tk_tools.cli._main import ExitCode, entry


@click.command("tk-doctor", context_settings=_options.CONTEXT)
@_options.weights_dir
@_options.json_lines
def command(weights_dir: Path | None, json: bool) -> int:
    """Say what is installed and what is missing.

    Prints a row for each package, the GPU, ffmpeg and every published weight file: ok, optional (with what it costs
    and the command that gets it) or missing. The exit code is 1 when something that the tools need is missing.

    \b
    Examples:
      tk-doctor
      tk-doctor --json | grep missing

    See also: tk-weights (fetch and verify weights), tk-list.
    """
    from tk_tools.cli._output import print_rows
    from tk_tools.doctor import examine

    rows = list(examine(weights_dir))
    print_rows(rows, ("what", "state", "detail"), as_json=json)
    return ExitCode.SOME_FAILED if any(row["state"] == "missing" for row in rows) else ExitCode.DONE


main = entry(command)

if __name__ == "__main__":
    main()

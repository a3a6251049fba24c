"""tk-list: the tools of the box."""

from __future__ import annotations

import click

from tk_tools.cli import _options
from tk_tools.cli._main import entry


@click.command("tk-list", context_settings=_options.CONTEXT)
@_options.json_lines
def command(json: bool) -> None:
    """List the tools, a line each.

    Every one answers --help. `tk NAME ...` is the same as `tk-NAME ...`.

    \b
    Examples:
      tk-list
      tk crop-face --help

    See also: tk-doctor (what is installed).
    """
    from importlib import import_module
    from importlib.metadata import entry_points

    from tk_tools.cli._output import print_rows

    points = (point for point in entry_points(group="console_scripts") if point.module.startswith("tk_tools.cli."))
    rows = (
        {"tool": point.name, "what it does": import_module(point.module).command.get_short_help_str(limit=80)}
        for point in sorted(points, key=lambda point: point.name)
    )
    print_rows(rows, ("tool", "what it does"), as_json=json)


main = entry(command)

if __name__ == "__main__":
    main()

"""Rows of measurements: a table on a terminal, TSV or NDJSON into a pipe."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable
from typing import Any

from tk_tools.errors import OutputError

_HOW = ("tool", "protocol")  # how a row was measured: too long for a terminal


def print_rows(rows: Iterable[dict[str, Any]], columns: tuple[str, ...], *, as_json: bool = False) -> None:
    """Print rows with the given columns, each as soon as it is known (a terminal's table at the end).

    NDJSON holds every key of a row, TSV the columns, the table those that are filled, but the tool and its
    protocol. Missing values are empty, and null in NDJSON.
    """
    if as_json:
        for row in rows:
            write_line(json.dumps({key: _number(value) for key, value in row.items()}, sort_keys=True, default=str))
    elif sys.stdout.isatty():
        _print_table(list(rows), tuple(column for column in columns if column not in _HOW))
    else:
        write_line("\t".join(map(_cell, columns)))
        for row in rows:
            write_line("\t".join(_cell(row.get(column)) for column in columns))


def write_line(line: str) -> None:
    """One line of results on stdout, at once. OutputError: it does not take it (a full disk)."""
    try:
        sys.stdout.buffer.write(line.encode("utf-8", "surrogateescape") + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"standard output cannot be written: {error.strerror}") from error


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, dict):
        return " ".join(f"{name}={_cell(inner).replace(' ', '-')}" for name, inner in value.items())
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def _on_terminal(value: Any) -> str:
    """A number with as many digits as say something."""
    return f"{value:.4g}" if isinstance(value, float) and math.isfinite(value) else _cell(value)


def _print_table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = [column for column in columns if not rows or any(_cell(row.get(column)) for row in rows)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in shown:
        numbers = all(isinstance(row.get(column), (int, float, type(None))) for row in rows)
        table.add_column(column, justify="right" if numbers else "left", overflow="fold", no_wrap=numbers)
    for row in rows:
        table.add_row(*(Text(_on_terminal(row.get(column))) for column in shown))
    Console().print(table)

"""A tool that prints a row for each input: finds the inputs, measures each, prints rows, tells the failures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tk_tools.cli._inputs import find_inputs
from tk_tools.cli._log import Log
from tk_tools.cli._main import ExitCode, stop_if_told
from tk_tools.cli._output import print_rows, write_line
from tk_tools.errors import TkError
from tk_tools.jobs.run import explain


def run_measure(
    tool: str,
    operands: tuple[Path, ...],
    measure: Callable[[Path], dict[str, Any]],
    *,
    reads: tuple[str, ...],
    columns: tuple[str, ...],
    as_json: bool,
    null: bool,
    verbosity: int,
    kept: Callable[[dict[str, Any]], bool] | None = None,
) -> ExitCode:
    """Print `measure(path)` of every file that the operands name, with its path; a file that fails has an `error`.

    kept: print the rows alone for which it is true, and of these the paths alone. Exit code 1 when some failed.
    """
    log = Log(tool, verbosity)
    failures = 0

    def failed(error: TkError) -> None:
        nonlocal failures
        failures += 1
        log.error(str(error))

    def rows() -> Iterator[dict[str, Any]]:
        for found in find_inputs(operands, reads, log, null=null, failed=failed):
            row: dict[str, Any] = {"path": str(found.path)}
            try:
                row |= measure(found.path)
            except Exception as error:  # noqa: BLE001 - also a fault of ours in one file; the others are to be done
                fault, trace = explain(error, found.path)
                failed(fault)
                log.detail(trace)
                row["error"] = fault.message
            yield row
            stop_if_told()

    if kept is None:
        print_rows(rows(), columns, as_json=as_json)
    elif as_json:
        print_rows(filter(kept, rows()), columns, as_json=True)
    else:
        for row in filter(kept, rows()):
            write_line(row["path"])
    return ExitCode.SOME_FAILED if failures else ExitCode.DONE

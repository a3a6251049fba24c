"""A tool that prints a row for each input: finds the inputs, measures each, prints rows, tells the failures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from tk_tools.cli._inputs import find_inputs
from tk_tools.cli._log import Log
from tk_tools.cli._main import ExitCode, stop_if_told
from tk_tools.cli._output import print_rows, write_line
from tk_tools.errors import TkError
from tk_tools.jobs.in_order import in_order
from tk_tools.jobs.pool import SlotPool, WorkerDied
from tk_tools.jobs.run import explain


class _Attempt(NamedTuple):
    """What came of one file: facts, or a fault in words, with its path (`told`) and without, and its traceback."""

    facts: dict[str, Any]
    fault: str = ""
    told: str = ""
    trace: str = ""


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
    workers: int = 1,
    seen: Callable[[Path, dict[str, Any]], None] | None = None,
    kept: Callable[[dict[str, Any]], bool] | None = None,
) -> ExitCode:
    """Print `measure(path)` of every file that the operands name, with its path; a file that fails has an `error`.

    With more than one of `workers`, `measure` is sent to processes. seen: called here with the facts of each file, in
    order, and may take some out. kept: print the rows alone for which it is true, and of these the paths alone. Exit
    code 1 when some failed.
    """
    log = Log(tool, verbosity)
    failures = 0

    def failed(told: str) -> None:
        nonlocal failures
        failures += 1
        log.error(told)

    def not_found(error: TkError) -> None:
        failed(str(error))

    def rows() -> Iterator[dict[str, Any]]:
        paths = (found.path for found in find_inputs(operands, reads, log, null=null, failed=not_found))
        with closing(_attempts(paths, measure, workers)) as attempts:
            for path, attempt in attempts:
                stop_if_told()  # a signal that came while a file was read may look like a fault of the file
                row: dict[str, Any] = {"path": str(path)}
                if attempt.fault:
                    failed(attempt.told)
                    log.detail(attempt.trace)
                    row["error"] = attempt.fault
                elif seen is not None:
                    seen(path, attempt.facts)
                yield row | attempt.facts

    if kept is None:
        print_rows(rows(), columns, as_json=as_json)
    elif as_json:
        print_rows(filter(kept, rows()), columns, as_json=True)
    else:
        for row in filter(kept, rows()):
            write_line(row["path"])
    return ExitCode.SOME_FAILED if failures else ExitCode.DONE


def _attempts(paths: Iterable[Path], measure: Callable, workers: int) -> Iterator[tuple[Path, _Attempt]]:
    if workers <= 1:
        for path in paths:
            yield path, _attempt(measure, path)
        return
    pool = SlotPool(workers)
    with closing(in_order(paths, lambda path: pool.submit(_attempt, measure, path), pool, workers)) as tasks:
        for path, task in tasks:
            try:
                yield path, task.result()
            except WorkerDied as error:
                yield path, _Attempt({}, str(error), f"{path}: {error}")


def _attempt(measure: Callable[[Path], dict[str, Any]], path: Path) -> _Attempt:
    try:
        return _Attempt(measure(path))
    except Exception as error:  # noqa: BLE001 - also a fault of ours in one file; the others are to be done
        fault, trace = explain(error, path)
        return _Attempt({}, fault.message, str(fault), trace)

"""A tool that prints rows for each input: finds the inputs, measures each, prints rows, tells the failures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tk_tools.cli._failures import FailureList
from tk_tools.cli._inputs import find_inputs
from tk_tools.cli._log import Log
from tk_tools.cli._main import ExitCode, stop_if_told
from tk_tools.cli._options import Common
from tk_tools.cli._output import print_rows, write_line
from tk_tools.errors import TkError
from tk_tools.files.find import shard
from tk_tools.jobs.each import each
from tk_tools.jobs.pool import WorkerDied
from tk_tools.jobs.run import explain

Facts = dict[str, Any] | list[dict[str, Any]]


class Ran(NamedTuple):
    """How a run ended, and how many rows or operands failed."""

    code: ExitCode
    failed: int


class _Attempt(NamedTuple):
    """What came of one file: rows, or a fault in words, with its path (`told`) and without, and its traceback."""

    rows: list[dict[str, Any]]
    fault: str = ""
    told: str = ""
    trace: str = ""


def run_measure(
    tool: str,
    common: Common,
    measure: Callable[[Path], Facts],
    *,
    reads: tuple[str, ...],
    columns: tuple[str, ...],
    seen: Callable[[Path, dict[str, Any]], None] | None = None,
    kept: Callable[[dict[str, Any]], bool] | None = None,
    line: Callable[[dict[str, Any]], str] | None = None,
) -> Ran:
    """Print `measure(path)` of every file that the operands name, with its path; a file that fails has an `error`.

    `measure` gives the facts of one row, or of several in a list, each of which may have an `error` of its own. It is
    sent to processes or a cluster as the shared options say; for a cluster what it holds must not hang on the working
    folder. seen: called here with the facts of each row, in order, and may take some out. kept: print the rows alone
    for which it is true, and of these the paths alone. line: instead of a table what it gives of each row that has no
    `error`. Exit code 1 when some failed.
    """
    log = Log(tool, common.verbosity)
    list_of_failures = FailureList(common.errors, tool)
    failures = 0

    def failed(path: Path | None, told: str) -> None:
        nonlocal failures
        failures += 1
        log.error(told)
        list_of_failures.add(path, told)

    def not_found(error: TkError) -> None:
        failed(error.path, str(error))

    def rows() -> Iterator[dict[str, Any]]:
        found = find_inputs(common.operands, reads, log, null=common.null, failed=not_found)
        paths = (item.path for item in shard(found, *common.shard))
        with closing(_attempts(paths, measure, common.workers, common.dask)) as attempts:
            for path, attempt in attempts:
                stop_if_told()  # a signal that came while a file was read may look like a fault of the file
                if attempt.fault:
                    failed(path, attempt.told)
                    log.detail(attempt.trace)
                    yield {"path": str(path), "error": attempt.fault}
                for facts in attempt.rows:
                    if "error" in facts:
                        failed(path, f"{path}: {facts['error']}")
                    elif seen is not None:
                        seen(path, facts)
                    yield {"path": str(path)} | facts

    try:
        if line is not None and not common.json:
            for row in rows():
                if "error" not in row:
                    write_line(line(row))
        elif kept is None:
            print_rows(rows(), columns, as_json=common.json)
        elif common.json:
            print_rows(filter(kept, rows()), columns, as_json=True)
        else:
            for row in filter(kept, rows()):
                write_line(row["path"])
    finally:
        list_of_failures.close()
    return Ran(ExitCode.SOME_FAILED if failures else ExitCode.DONE, failures)


def _attempts(
    paths: Iterable[Path], measure: Callable[[Path], Facts], workers: int, dask: str | None
) -> Iterator[tuple[Path, _Attempt]]:
    attempts = each(paths, partial(_attempt, measure), workers=workers, dask=dask, from_anywhere=Path.absolute)
    with closing(attempts):
        for path, attempt in attempts:
            died = isinstance(attempt, WorkerDied)
            yield path, _Attempt([], str(attempt), f"{path}: {attempt}") if died else attempt


def _attempt(measure: Callable[[Path], Facts], path: Path) -> _Attempt:
    try:
        facts = measure(path)
    except Exception as error:  # noqa: BLE001 - also a fault of ours in one file; the others are to be done
        fault, trace = explain(error, path)
        return _Attempt([], fault.message, str(fault), trace)
    return _Attempt(facts if isinstance(facts, list) else [facts])

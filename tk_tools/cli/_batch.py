"""A tool that makes one file of each input: finds the inputs, runs the work, tells what became of each, sums up."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from tk_tools.cli._failures import FailureList
from tk_tools.cli._inputs import find_inputs, from_stdin, split_operands
from tk_tools.cli._log import Log
from tk_tools.cli._main import ExitCode, stop_if_told
from tk_tools.cli._options import Common
from tk_tools.cli._output import write_line
from tk_tools.errors import ConfigError, InputError, TkError
from tk_tools.files.find import AUDIO_SUFFIXES, PICTURE_SUFFIXES, VIDEO_SUFFIXES, Found, Targets, shard
from tk_tools.jobs.run import Job, Outcome, run_jobs

_FILE_SUFFIXES = {*VIDEO_SUFFIXES, *AUDIO_SUFFIXES, *PICTURE_SUFFIXES, ".h5"}


def run_batch(
    tool: str,
    common: Common,
    make: Callable[..., dict[str, Any]],
    options: Any,
    *,
    reads: tuple[str, ...],
    suffix: str,
    also: tuple[Path, ...] | Callable[[Path], tuple[Path, ...]] = (),
    check: Callable[[], str | None] | None = None,
    stem: Callable[[Path], str] | None = None,
) -> ExitCode:
    """Make `suffix` files of everything that the operands name and print the path of each finished one.

    `make(source, *also, target, options)` returns facts; "warning" among them goes to stderr, and with "left_out"
    (why) nothing was made. `reads`: suffixes that a searched folder is searched for. `also`: further files of every
    result, or what gives them for a source. `check` raises what would go wrong with every input: told once, nothing is
    made (a cluster's workers see for themselves); it may give a line for people. `stem`: how a result in a folder is
    named, see Targets. Exit code 1 when some inputs failed; the others are done.
    """
    log = Log(tool, common.verbosity)
    report = _Report(log, common)
    inputs, output = split_operands(common.operands)
    if check is not None and common.dask is None:
        try:
            if notice := check():
                log.info(notice)
        except ConfigError:
            raise
        except TkError as error:
            report.add_unfound(error)
            report.close()
            return report.sum_up()
    targets = Targets(output, reads, suffix, stem)
    jobs = _jobs(inputs, output, targets, common, log, report, reads, suffix, also)
    outcomes = run_jobs(jobs, make, options, workers=common.workers, dask=common.dask, force=common.force)
    try:
        for outcome in outcomes:
            stop_if_told()  # also: a signal that came while a file was read may look like a fault of the file
            report.add(outcome)
    finally:
        outcomes.close()
        report.close()
    return report.sum_up()


def _jobs(
    inputs, output: Path, targets: Targets, common: Common, log: Log, report: _Report, reads, suffix: str, also
) -> Iterator[Job]:
    single = _single_target(inputs, output, suffix)
    if single is not None:
        yield Job(source=inputs[0], target=output, also=also(inputs[0]) if callable(also) else also)
        return
    if output.exists() and not output.is_dir():
        raise click.UsageError(f"{output} is a file; name a folder for the outputs.")
    if output.suffix.lower() in _FILE_SUFFIXES and not output.is_dir():
        raise click.UsageError(f"The output {output} is neither a folder nor, for one input, a file *{suffix}.")
    found = find_inputs(inputs, reads, log, null=common.null, failed=report.add_unfound)
    for item, target in shard(_named(found, targets, report), *common.shard):
        yield Job(source=item.path, target=target, also=also(item.path) if callable(also) else also)


def _single_target(inputs, output: Path, suffix: str) -> Path | None:
    """The output is a file when one file is given and the output bears the suffix of the kind."""
    if len(inputs) != 1 or from_stdin(inputs) or inputs[0].is_dir():
        return None
    return output if output.name.endswith(suffix) and not output.is_dir() else None


def _named(found: Iterator[Found], targets: Targets, report: _Report) -> Iterator[tuple[Found, Path]]:
    for item in found:
        try:
            yield item, targets.target(item)
        except InputError as error:
            report.add_unfound(error)


class _Report:
    """Tells each outcome at once: paths or NDJSON on stdout, messages on stderr, failures in --errors."""

    def __init__(self, log: Log, common: Common):
        self._log, self._json = log, common.json
        self._failures = FailureList(common.errors, log.tool)
        self._counts = {"done": 0, "current": 0, "left out": 0, "failed": 0}
        self._replaced = 0  # of those that are done
        self._lock = threading.Lock()  # operands may be read in a thread of their own

    def add(self, outcome: Outcome) -> None:
        with self._lock:
            facts = dict(outcome.facts)
            left_out = facts.pop("left_out", None)
            self._counts["left out" if left_out else outcome.status] += 1
            self._replaced += bool(outcome.replaced)
            if outcome.warning:
                self._log.warn(outcome.warning)
            elif outcome.replaced:
                self._log.detail(f"{outcome.job.target}: replaced; it was made with {outcome.replaced}")
            if outcome.status == "failed":
                self._fail(outcome.job.source, outcome.message)
                self._log.detail(outcome.trace)
            else:
                if warning := facts.pop("warning", None):
                    self._log.warn(f"{outcome.job.source}: {warning}")
                if left_out:
                    self._log.detail(f"{outcome.job.source}: left out: {left_out}")
                else:
                    self._print(outcome, facts)
            self._log.progress(self._standing())

    def add_unfound(self, error: TkError) -> None:
        """An operand that gave no file."""
        stop_if_told()  # a signal that came while a file was read may look like a fault of the file
        with self._lock:
            self._counts["failed"] += 1
            self._fail(error.path, str(error))

    def _fail(self, source, message: str) -> None:
        self._log.error(message)
        self._failures.add(source, message)

    def _print(self, outcome: Outcome, facts: dict[str, Any]) -> None:
        if self._json:
            row = {
                "path": str(outcome.job.target),
                "source": str(outcome.job.source),
                "status": outcome.status,
            } | facts
            if outcome.replaced:
                row["replaced"] = outcome.replaced
            line = json.dumps(row, sort_keys=True, allow_nan=False)
        else:
            line = str(outcome.job.target)
        write_line(line)

    def _standing(self) -> str:
        counts = self._counts
        current = f", {counts['current']} already there" if counts["current"] else ""
        left_out = f", {counts['left out']} left out" if counts["left out"] else ""
        failed = f", {counts['failed']} failed" if counts["failed"] else ""
        replaced = f" ({self._replaced} replaced)" if self._replaced else ""
        return f"{counts['done']} done{replaced}{current}{left_out}{failed}"

    def close(self) -> None:
        self._log.close()
        self._failures.close()

    def sum_up(self) -> ExitCode:
        if sum(self._counts.values()) > 1 or self._counts["current"] or self._replaced:
            self._log.info(self._standing())
        return ExitCode.SOME_FAILED if self._counts["failed"] else ExitCode.DONE

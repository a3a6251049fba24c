"""A tool that makes one file of each input: finds the inputs, runs the work, tells what became of each, sums up."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click

from tk_tools.cli._failures import FailureList
from tk_tools.cli._inputs import find_inputs, from_stdin, split_operands
from tk_tools.cli._log import Log
from tk_tools.cli._main import ExitCode, stop_if_told
from tk_tools.cli._options import Common
from tk_tools.cli._output import write_line
from tk_tools.errors import ConfigError, InputError, TkError
from tk_tools.files.atomic import missing_folders, remove_empty
from tk_tools.files.find import AUDIO_SUFFIXES, PICTURE_SUFFIXES, VIDEO_SUFFIXES, Found, Targets, by_folder, shard
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
    whole_folders: bool = False,
    recall: Callable[[Path], dict[str, Any]] | None = None,
    plan: Callable[[list[Job], list[Job], _Report], Iterable[Job]] | None = None,
    unnamed: Mapping[str, str] = MappingProxyType({}),
) -> ExitCode:
    """Make `suffix` files of everything that the operands name and print the path of each finished one.

    `make(source, *also, target, options)` returns facts; "warning" among them goes to stderr as well, with "left_out"
    (why) nothing was made, and "failed" are (name, why) of files in the source's folder that were of no use. `reads`:
    suffixes that a searched folder is searched for. `also`: further files of every result, or what gives them for a
    source. `check` raises what would go wrong with every input: told once, nothing is made (a cluster's workers see for
    themselves); it may give a line for people. `stem`: how a result in a folder is named, see Targets. `whole_folders`:
    the files that lie in one folder make one result. `recall` gives the facts of a result that is there already.
    `plan`: of work on a whole set, what has to be done before: it is given all jobs, those of this shard, and the
    report, and gives those that are left to do. `unnamed`: paths of files that the user did not name, and what messages
    call them. Exit code 1 when some inputs failed; the others are done.
    """
    log = Log(tool, common.verbosity)
    report = _Report(log, common, recall, unnamed)
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
    part = (1, 1) if plan else common.shard

    def found() -> Iterator[Found]:
        files = find_inputs(inputs, reads, log, null=common.null, failed=report.add_unfound)
        return by_folder(_readable(files, report)) if whole_folders else files

    one = (whole_folders or _is_one_file(inputs)) and output.name.endswith(suffix) and not output.is_dir()
    report.alone = one
    jobs: Iterable[Job] = (
        _jobs_of_one(found, output, also) if one else _jobs(found, output, targets, part, report, suffix, also)
    )
    new: dict[Path, None] = {}
    try:
        if plan is not None:
            jobs = _planned(plan, list(jobs), common, report)
        jobs = _noting_folders(jobs, new)
        outcomes = run_jobs(jobs, make, options, workers=common.workers, dask=common.dask, force=common.force)
        with closing(outcomes):
            for outcome in outcomes:
                stop_if_told()  # also: a signal that came while a file was read may look like a fault of the file
                report.add(outcome)
    finally:
        remove_empty(sorted(new, key=lambda folder: -len(folder.parts)))
        report.close()
    return report.sum_up()


def _noting_folders(jobs: Iterable[Job], new: dict[Path, None]) -> Iterator[Job]:
    """The jobs; `new` gets the folders of their results that are not there yet: an input that fails may leave some."""
    for job in jobs:
        if job.target.parent not in new:
            new.update(dict.fromkeys(missing_folders(job.target.parent)))
        yield job


def _jobs_of_one(found: Callable[[], Iterator[Found]], output: Path, also) -> Iterator[Job]:
    """The output is a file: it bears the suffix of the kind, and the inputs make one result."""
    items = list(found())
    if len(items) > 1:
        raise click.UsageError(f"{output} is one file, and the inputs lie in {len(items)} folders; name a folder.")
    yield from (_job(item, output, also) for item in items)


def _jobs(
    found: Callable[[], Iterator[Found]], output: Path, targets: Targets, part, report: _Report, suffix: str, also
) -> Iterator[Job]:
    if output.exists() and not output.is_dir():
        raise click.UsageError(f"{output} is a file; name a folder for the outputs.")
    if output.suffix.lower() in _FILE_SUFFIXES and not output.is_dir():
        raise click.UsageError(f"The output {output} is neither a folder nor, for one input, a file *{suffix}.")
    for item, target in shard(_named(found(), targets, report), *part):
        yield _job(item, target, also)


def _job(item: Found, target: Path, also) -> Job:
    source, *others = item.files or (item.path,)
    return Job(source=source, target=target, also=(*others, *(also(source) if callable(also) else also)))


def _is_one_file(inputs: tuple[Path, ...]) -> bool:
    return len(inputs) == 1 and not from_stdin(inputs) and not inputs[0].is_dir()


def _readable(found: Iterator[Found], report: _Report) -> Iterator[Found]:
    """Without files that cannot be opened: such a one would stop the others of its folder."""
    for item in found:
        try:
            item.path.open("rb").close()
        except OSError as error:
            report.add_unfound(InputError(f"cannot be read: {error.strerror}", path=item.path))
        else:
            yield item


def _planned(plan, jobs: list[Job], common: Common, report: _Report) -> list[Job]:
    """The jobs that are left to do; none when what they all need cannot be had, which is told."""
    try:
        return list(plan(jobs, list(shard(jobs, *common.shard)), report)) if jobs else []
    except ConfigError:
        raise
    except TkError as error:
        report.add_unfound(error)
        return []


def _named(found: Iterator[Found], targets: Targets, report: _Report) -> Iterator[tuple[Found, Path]]:
    for item in found:
        try:
            yield item, targets.target(item)
        except InputError as error:
            report.add_unfound(error)


class _Report:
    """Tells each outcome at once: paths or NDJSON on stdout, messages on stderr, failures in --errors."""

    def __init__(
        self,
        log: Log,
        common: Common,
        recall: Callable[[Path], dict[str, Any]] | None,
        unnamed: Mapping[str, str],
    ):
        self._log, self._json, self._recall, self._unnamed = log, common.json, recall, unnamed
        self._failures = FailureList(common.errors, log.tool)
        self._counts = {"done": 0, "current": 0, "left out": 0, "failed": 0}
        self._replaced = 0  # of those that are done
        self.alone = False  # one result is to be made: when it is there, nothing stands between it and the sum
        self._lock = threading.Lock()  # operands may be read in a thread of their own

    def add(self, outcome: Outcome) -> None:
        with self._lock:
            facts = dict(outcome.facts)
            if outcome.status == "current" and self._recall is not None:
                facts |= self._recall(outcome.job.target)
            left_out = facts.pop("left_out", None)
            for name, why in facts.pop("failed", ()):
                path = outcome.job.source.parent / name
                self._counts["failed"] += 1
                self._fail(path, f"{path}: {why}")
            self._counts["left out" if left_out else outcome.status] += 1
            self._replaced += bool(outcome.replaced)
            if outcome.replaced == "another source" and str(outcome.job.source) in self._unnamed:
                self._log.warn(f"{outcome.job.target}: replaced; it was made from another text")
            elif outcome.warning:
                self._log.warn(self._named(outcome.warning))
            elif outcome.replaced:
                self._log.detail(f"{outcome.job.target}: replaced; it was made with {outcome.replaced}")
            if outcome.status == "failed":
                self._fail(outcome.job.source, outcome.message)
                self._log.detail(outcome.trace)
            else:
                if warning := facts.get("warning"):
                    self._log.warn(self._named(f"{outcome.job.source}: {warning}"))
                if left_out:
                    self._log.detail(f"{outcome.job.source}: left out: {left_out}")
                else:
                    self._print(outcome, facts)
            if not self.alone:
                self._log.progress(f"so far {self._standing()}")

    def add_unfound(self, error: TkError) -> None:
        """An operand that gave no file."""
        stop_if_told()  # a signal that came while a file was read may look like a fault of the file
        with self._lock:
            self._counts["failed"] += 1
            self._fail(error.path, str(error))

    def fail(self, source: Path, message: str) -> None:
        """An input that failed before its job was begun."""
        stop_if_told()
        with self._lock:
            self._counts["failed"] += 1
            self._fail(source, message)

    def warn(self, message: str) -> None:
        self._log.warn(message)

    def info(self, message: str) -> None:
        self._log.info(message)

    def progress(self, message: str) -> None:
        """Where the work stands that is done before any job."""
        stop_if_told()
        self._log.progress(message)

    def _fail(self, source, message: str) -> None:
        self._log.error(self._named(message))
        self._failures.add(source and self._named(str(source)), self._named(message))

    def _named(self, text: str) -> str:
        for path, name in self._unnamed.items():
            text = text.replace(path, name)
        return text

    def _print(self, outcome: Outcome, facts: dict[str, Any]) -> None:
        if self._json:
            row = {
                "path": str(outcome.job.target),
                "source": self._named(str(outcome.job.source)),
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

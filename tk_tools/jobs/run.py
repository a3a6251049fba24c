"""One function over a stream of files: a window of tasks in flight, outcomes in the order of the inputs.

The function knows nothing of pools: source, target and options in, a small record of facts out. A result that is
already there, whole, from the same source with the same options is left as it is.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from tk_tools.errors import InputError, TkError
from tk_tools.files.atomic import sweep
from tk_tools.files.made_from import is_of_our_kind, read_provenance
from tk_tools.files.provenance import Provenance, describe, shaping
from tk_tools.jobs.cluster import Cluster
from tk_tools.jobs.in_order import in_order
from tk_tools.jobs.pool import SlotPool, Task, WorkerDied


@dataclass(frozen=True)
class Job:
    """One result to make: `target` of `source` and, with it, of the files in `also` (the speech beside a face)."""

    source: Path
    target: Path
    also: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of a job: done, current (already there) or failed with a message; `facts` from the function.

    warning: what else happened on the way. replaced: in what the result that stood there before was another.
    """

    job: Job
    status: Literal["done", "current", "failed"]
    facts: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    warning: str = ""
    replaced: Literal["", "another source", "other options"] = ""
    trace: str = ""


def run_jobs(
    jobs: Iterable[Job],
    make: Callable[..., dict[str, Any]],
    options: Any,
    *,
    workers: int = 1,
    dask: str | None = None,
    force: bool = False,
) -> Iterator[Outcome]:
    """Call `make(source, *also, target, options)` for each job and give the outcomes in the order of the jobs.

    With one worker the work is done in this process; `dask` is the HOST:PORT of a scheduler. Leaving the iteration
    early ends the workers. What killed runs left beside the targets is swept before and after.
    """
    folders: set[Path] = set()
    jobs = _swept(jobs, folders)
    try:
        if dask is None and workers <= 1:
            for job in jobs:
                yield attempt(make, job, options, force)
            return
        executor = Cluster(dask) if dask else SlotPool(workers)

        def submit(job: Job) -> Task:
            return executor.submit(attempt, make, *(_from_anywhere(job, options) if dask else (job, options)), force)

        tasks = in_order(jobs, submit, executor, executor.cores if dask else workers)
        with closing(tasks):
            for job, task in tasks:
                yield _outcome(job, task)
    finally:
        for folder in list(folders):  # a reading thread may still add to them
            sweep(folder)


def _swept(jobs: Iterable[Job], folders: set[Path]) -> Iterator[Job]:
    for job in jobs:
        folder = job.target.parent
        if folder not in folders:
            folders.add(folder)
            sweep(folder)
        yield job


def _outcome(job: Job, task: Task) -> Outcome:
    try:
        outcome = task.result()
    except WorkerDied as error:
        return Outcome(job, "failed", message=f"{job.source}: {error}")
    warning = f"{job.source}: {task.deaths[0]}; tried again" if task.deaths else outcome.warning
    return replace(outcome, job=job, warning=warning)


def _from_anywhere(job: Job, options: Any) -> tuple[Job, Any]:
    """The job and its options with absolute paths: the workers of a cluster have other working directories.

    A path that shapes the content stays as it is, since results remember it.
    """
    paths = {
        name: value.absolute()
        for name, value in vars(options).items()
        if isinstance(value, Path) and name not in shaping(options)
    }
    also = tuple(path.absolute() for path in job.also)
    return Job(job.source.absolute(), job.target.absolute(), also), replace(options, **paths)


def attempt(make: Callable[..., dict[str, Any]], job: Job, options: Any, force: bool) -> Outcome:
    """Do one job; whatever goes wrong becomes an outcome, so that one bad file never stops the others."""
    try:
        wanted = describe(options, job.source, *job.also)
        found = _result_before(job, force)
        if found == wanted and not force:
            return Outcome(job, "current")
        facts = make(job.source, *job.also, job.target, options)
        return _told_of_replaced(Outcome(job, "done", facts=facts), found, wanted)
    except Exception as error:  # noqa: BLE001 - also a fault of ours in one file; the others are to be done
        fault, trace = explain(error, job.source)
        return Outcome(job, "failed", message=str(fault), trace=trace)


def explain(error: Exception, source: Path) -> tuple[TkError, str]:
    """What stopped the work on `source`, as a fault with its path, and the traceback when it is a fault of ours."""
    if isinstance(error, TkError):
        return (error if error.path is not None else TkError(error.message, path=source)), ""
    if isinstance(error, MemoryError):
        return TkError("not enough memory; use fewer --workers", path=source), ""
    if isinstance(error, getattr(sys.modules.get("torch"), "OutOfMemoryError", ())):
        return TkError("not enough memory on the GPU; a shorter or smaller one takes less", path=source), ""
    if isinstance(error, OSError):
        return TkError(error.strerror or str(error), path=error.filename or source), ""
    what = f"unexpected {type(error).__name__}: {error} (a fault of the tool; -v shows where)"
    return TkError(what, path=source), "".join(traceback.format_exception(error))


def _result_before(job: Job, force: bool) -> Provenance | None:
    """What the result that is there already was made from. InputError: a file of the user stands in its place."""
    if not job.target.exists():
        return None
    if any(job.target.samefile(source) for source in (job.source, *job.also)):
        raise InputError("the result would take the place of its source; name another output", path=job.target)
    found = read_provenance(job.target)
    if found is None and not force and not is_of_our_kind(job.target):
        raise InputError("is there already and not made by these tools; move it, or --force", path=job.target)
    return found


def _told_of_replaced(outcome: Outcome, found: Provenance | None, wanted: Provenance) -> Outcome:
    """A source that was edited and another one of its name look alike: the digest alone tells them from the first."""
    if found is None or found == wanted:
        return outcome
    before, job = found.source.first, outcome.job
    if before.digest == wanted.source.first.digest:
        return replace(outcome, replaced="other options")
    which = f"another {before.name} than {job.source}, or from it before it changed"
    if before.name != job.source.name:
        which = f"{before.name}, not from {job.source}"
    return replace(outcome, replaced="another source", warning=f"{job.target}: replaced; it was made from {which}")

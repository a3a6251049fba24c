"""One function over a stream of files: a window of tasks in flight, outcomes in the order of the inputs.

The function knows nothing of pools: source, target and options in, a small record of facts out. A result that is
already there, whole, from the same source with the same options is left as it is.
"""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tk_tools.errors import MissingPackage, TkError
from tk_tools.files.provenance import describe, read_provenance
from tk_tools.jobs.pool import SlotPool, WorkerDied

TASKS_IN_FLIGHT = 4  # per worker: enough to keep it busy while an earlier file is waited for


@dataclass(frozen=True)
class Job:
    """One result to make: `target` of `source` and, with it, of the files in `also` (the speech beside a face)."""

    source: Path
    target: Path
    also: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of a job: done, current (already there) or failed with a message; `facts` as the function gave them."""

    job: Job
    status: Literal["done", "current", "failed"]
    facts: dict[str, Any] = field(default_factory=dict)
    message: str = ""
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
    early ends the workers.
    """
    if dask is None and workers <= 1:
        for job in jobs:
            yield attempt(make, job, options, force)
        return
    executor = _cluster(dask) if dask else SlotPool(workers)
    window = TASKS_IN_FLIGHT * (_cores(executor) if dask else workers)
    pending: deque[tuple[Job, Future]] = deque()
    finished = False
    try:
        for job in jobs:
            pending.append((job, executor.submit(attempt, make, job, options, force)))
            while pending and (len(pending) >= window or pending[0][1].done()):
                yield _outcome(*pending.popleft())
        while pending:
            yield _outcome(*pending.popleft())
        finished = True
    finally:
        executor.shutdown(wait=True, cancel_futures=not finished)


def _outcome(job: Job, future: Future) -> Outcome:
    try:
        return future.result()
    except WorkerDied as error:
        return Outcome(job, "failed", message=str(error))


def attempt(make: Callable[..., dict[str, Any]], job: Job, options: Any, force: bool) -> Outcome:
    """Do one job; whatever goes wrong becomes an outcome, so that one bad file never stops the others."""
    try:
        sources = (job.source, *job.also)
        if not force and read_provenance(job.target) == describe(options, *sources):
            return Outcome(job, "current")
        return Outcome(job, "done", facts=make(job.source, *job.also, job.target, options))
    except TkError as error:
        return Outcome(job, "failed", message=_about(job, error))
    except MemoryError:
        return Outcome(job, "failed", message=f"{job.source}: not enough memory; use fewer --workers")
    except OSError as error:
        return Outcome(job, "failed", message=f"{error.filename or job.source}: {error.strerror or error}")
    except Exception as error:
        what = f"{job.source}: unexpected {type(error).__name__}: {error} (a fault of the tool; -v shows where)"
        return Outcome(job, "failed", message=what, trace=traceback.format_exc())


def _about(job: Job, error: TkError) -> str:
    return str(error) if error.path is not None else f"{job.source}: {error}"


def _cluster(address: str) -> Executor:
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingPackage("--dask needs the package distributed: pip install 'tk-tools[dask]'") from error
    try:
        client = Client(f"tcp://{address}", timeout="10s", set_as_default=False)
    except OSError as error:
        raise TkError(f"no Dask scheduler answers at {address}") from error
    executor = client.get_executor(pure=False)
    executor.tk_client = client
    return executor


def _cores(executor: Executor) -> int:
    return max(1, sum(executor.tk_client.nthreads().values()))

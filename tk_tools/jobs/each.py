"""One function over a stream of items for what it returns: in this process, on workers, or on a cluster.

Right for small records of each item (counts, measures); run is for work that makes a file of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import TypeVar

from tk_tools.jobs.cluster import Cluster
from tk_tools.jobs.in_order import in_order
from tk_tools.jobs.pool import SlotPool, Task, WorkerDied

T = TypeVar("T")
R = TypeVar("R")


def each(
    items: Iterable[T],
    work: Callable[[T], R],
    *,
    workers: int = 1,
    dask: str | None = None,
    from_anywhere: Callable[[T], T] = lambda item: item,
) -> Iterator[tuple[T, R | WorkerDied]]:
    """Each item with `work(item)`, in order; WorkerDied in its place when the process that worked on it did.

    work: tells faults by what it returns; importable by name. dask: HOST:PORT of a scheduler, whose workers get
    `from_anywhere(item)` (paths made absolute). Leaving the iteration early ends the workers.
    """
    if dask is None and workers <= 1:
        for item in items:
            yield item, work(item)
        return
    executor = Cluster(dask) if dask else SlotPool(workers)

    def submit(item: T) -> Task:
        return executor.submit(work, from_anywhere(item) if dask else item)

    with closing(in_order(items, submit, executor, executor.cores if dask else workers)) as tasks:
        for item, task in tasks:
            try:
                yield item, task.result()
            except WorkerDied as error:
                yield item, error

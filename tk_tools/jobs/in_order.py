"""A window of tasks in flight over a stream of items: what comes of each, in the order of the items.

Right for a stream that may be endless, or slow in coming; memory does not grow with its length.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

T = TypeVar("T")
TASKS_IN_FLIGHT = 4  # per worker: enough to keep it busy while an earlier task is waited for
_ITEM, _DONE, _END = range(3)


def in_order(
    items: Iterable[T], submit: Callable[[T], Future], executor: Executor, workers: int
) -> Iterator[tuple[T, Future]]:
    """Each item with its finished future, `submit(item)`; the executor is shut down in the end.

    A thread asks for the items, since the next one may be long in coming (a pipe) while futures are ready. What the
    items end with is raised after the last future. Leaving the iteration early cancels what is in flight.
    """
    events: queue.SimpleQueue = queue.SimpleQueue()
    room = threading.Semaphore(TASKS_IN_FLIGHT * workers)
    left = threading.Event()
    threading.Thread(target=_read, args=(iter(items), events, room, left), daemon=True).start()
    pending: deque[tuple[T, Future]] = deque()
    reading, finished, failure = True, False, None
    try:
        while reading or pending:
            if pending and pending[0][1].done():
                yield pending.popleft()
                room.release()
                continue
            event, value = events.get()
            if event == _ITEM:
                future = submit(value)
                pending.append((value, future))
                future.add_done_callback(lambda _: events.put((_DONE, None)))
            elif event == _END:
                reading, failure = False, value
        finished = True
        if failure is not None:
            raise failure
    finally:
        left.set()
        room.release()
        executor.shutdown(wait=True, cancel_futures=not finished)


def _read(items: Iterator, events: queue.SimpleQueue, room: threading.Semaphore, left: threading.Event) -> None:
    """Put each item into `events` when there is room for it, and the error that the items ended with, or None."""
    try:
        while room.acquire() and not left.is_set():
            try:
                item = next(items)
            except StopIteration:
                events.put((_END, None))
                return
            events.put((_ITEM, item))
    except BaseException as error:  # noqa: BLE001 - raised again by the one who reads the events
        events.put((_END, error))

"""Run a part of a stream in a thread of its own, a few items ahead, so that the parts of a pipeline overlap.

Right where the parts release the interpreter's lock (decoding, networks, pipes); items stay in order.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
_END = object()


def ahead(items: Iterable[T], size: int) -> Iterator[T]:
    """The items, made in another thread up to `size` of them in advance.

    What is raised there is raised here. Leaving the iteration early ends the thread, and closes `items` if it is a
    generator.
    """
    made: queue.Queue = queue.Queue(maxsize=max(1, size))
    stopped = threading.Event()

    def put(entry: tuple) -> bool:
        while not stopped.is_set():
            try:
                made.put(entry, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        source = iter(items)
        try:
            for item in source:
                if not put((item, None)):
                    break
            else:
                put((_END, None))
        except BaseException as error:  # noqa: BLE001 (raised again in the thread that reads)
            put((_END, error))
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item, error = made.get()
            if error is not None:
                try:
                    raise error
                finally:
                    del error  # else it would hold this frame, and this frame it
            if item is _END:
                return
            yield item
    finally:
        stopped.set()
        thread.join()

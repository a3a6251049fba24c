"""Worker processes that can die: each task runs in a process of its own slot, and a death costs one retry of one task.

The pool of the standard library fails every task in flight when one process is killed; here each slot has a pool of
one. The right choice for work on files; for thousands of tasks of a millisecond it is the wrong one.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

ATTEMPTS = 2


class WorkerDied(Exception):
    """The process that ran a task died, and so did the one that tried it again."""


class SlotPool(Executor):
    """An executor of `workers` spawned processes, each alone in its slot."""

    def __init__(self, workers: int):
        self._tasks: queue.SimpleQueue = queue.SimpleQueue()
        self._closed = False
        self._slots = [_Slot(self._tasks) for _ in range(workers)]

    def submit(self, function, /, *args: Any, **kwargs: Any) -> Future:
        """Run `function` (importable by name) in the next free process."""
        if self._closed:
            raise RuntimeError("the pool is shut down")
        future: Future = Future()
        self._tasks.put((future, function, args, kwargs))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers: after what is submitted, or at once with `cancel_futures`."""
        if self._closed:
            return
        self._closed = True
        for _ in self._slots:
            self._tasks.put(None)
        for slot in self._slots:
            slot.end(now=cancel_futures)
        if wait:
            for slot in self._slots:
                slot.thread.join()


class _Slot:
    """One thread that hands tasks to one process, and starts another process when that one dies."""

    def __init__(self, tasks: queue.SimpleQueue):
        self._tasks = tasks
        self._stopped = False
        self._pool: ProcessPoolExecutor | None = None
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def end(self, now: bool) -> None:
        if now:
            self._stopped = True
            self._kill()

    def _kill(self) -> None:
        pool = self._pool
        for process in list((pool._processes or {}).values()) if pool is not None else ():
            process.terminate()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            future, function, args, kwargs = task
            if self._stopped:
                future.cancel()
            elif future.set_running_or_notify_cancel():
                self._run(future, function, args, kwargs)
        if self._pool is not None:
            self._pool.shutdown(wait=True)

    def _run(self, future: Future, function, args, kwargs) -> None:
        for _ in range(ATTEMPTS):
            if self._pool is None:
                context = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(
                    1, mp_context=context, initializer=_begin_worker, initargs=(os.getpid(),)
                )
            try:
                future.set_result(self._pool.submit(function, *args, **kwargs).result())
                return
            except BrokenProcessPool:
                self._pool.shutdown(wait=False)
                self._pool = None
                if self._stopped:
                    break
            except BaseException as error:
                future.set_exception(error)
                return
        future.set_exception(WorkerDied("the worker process was killed twice (out of memory?)"))


def _begin_worker(parent: int) -> None:
    """Ctrl-C is for the parent to handle; a worker uses one core, and goes when its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    use_one_core()
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def use_one_core() -> None:
    """Keep the number libraries of this process to one thread, so that N workers use N cores."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    import cv2

    cv2.setNumThreads(1)
    if "torch" in __import__("sys").modules:
        import torch

        torch.set_num_threads(1)

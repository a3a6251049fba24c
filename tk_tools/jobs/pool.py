"""Worker processes that can die: each task runs in a process of its own slot, and a death costs one retry of one task.

The pool of the standard library fails every task in flight when one process is killed. The right choice for work on
files; for thousands of tasks of a millisecond it is the wrong one.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
from concurrent.futures import Executor, Future
from multiprocessing import resource_tracker
from typing import Any

from tk_tools.jobs.worker_process import Stopped, become_worker

ATTEMPTS = 2
_THREAD_COUNTS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)
_PATIENCE = 3  # seconds that a worker has to clear away what is half done before it is killed


class WorkerDied(Exception):
    """The process that ran a task died, and so did the one that tried it again."""


class Task(Future):
    """What a pool is to do. `deaths`: how each worker that died over it ended, in words."""

    def __init__(self):
        super().__init__()
        self.deaths: list[str] = []


class SlotPool(Executor):
    """An executor of `workers` spawned processes, each alone in its slot."""

    def __init__(self, workers: int):
        self._tasks: queue.SimpleQueue = queue.SimpleQueue()
        self._closed = False
        resource_tracker.ensure_running()  # started by a slot, it would let Ctrl-C through to the worker of that slot
        self._slots = [_Slot(self._tasks) for _ in range(workers)]

    def submit(self, function, /, *args: Any, **kwargs: Any) -> Task:
        """Run `function` (importable by name) in the next free process."""
        if self._closed:
            raise RuntimeError("the pool is shut down")
        task = Task()
        self._tasks.put((task, (function, args, kwargs)))
        return task

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers: after what is submitted, or at once with `cancel_futures`."""
        if not self._closed:
            self._closed = True
            for _ in self._slots:
                self._tasks.put(None)
        if cancel_futures:
            for slot in self._slots:
                slot.stop()
            deadline = time.monotonic() + _PATIENCE
            for slot in self._slots:
                slot.kill_after(deadline)
        if wait:
            for slot in self._slots:
                slot.thread.join()


class _Slot:
    """One thread that hands tasks to one process, and starts another process when that one dies."""

    def __init__(self, tasks: queue.SimpleQueue):
        self._tasks = tasks
        self._stopped = False
        self._process = self._pipe = None
        self._starting = threading.Lock()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Ask the process to leave its task; it clears away what is half done."""
        with self._starting:
            self._stopped = True
            if self._process is not None:
                self._process.terminate()

    def kill_after(self, deadline: float) -> None:
        """Kill the process if it is still there at `deadline` (time.monotonic)."""
        process = self._process
        if process is not None:
            process.join(max(0.0, deadline - time.monotonic()))
            process.kill()

    def _work(self) -> None:
        # Ctrl-C in a terminal reaches the whole group: a process started here must not see it before it can ignore it
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        while (task := self._tasks.get()) is not None:
            future, call = task
            if self._stopped:
                future.cancel()
            elif future.set_running_or_notify_cancel():
                self._run(future, call)
        self._drop()

    def _run(self, task: Task, call: tuple) -> None:
        for _ in range(ATTEMPTS):
            try:
                self._start()
                self._pipe.send(call)
                done, value = self._pipe.recv()
            except (EOFError, OSError):
                task.deaths.append(_how_it_ended(self._drop()))
                if self._stopped:
                    break
            except Exception as error:  # noqa: BLE001 - the call cannot be sent: for the one who submitted it
                task.set_exception(error)
                return
            else:
                (task.set_result if done else task.set_exception)(value)
                return
        task.set_exception(WorkerDied(f"{task.deaths[-1]}; tried {len(task.deaths)} times"))

    def _start(self) -> None:
        with self._starting:
            if self._stopped:
                raise EOFError
            if self._process is not None and self._process.is_alive():
                return
            self._drop()  # one that died while it waited cost nothing
            context = multiprocessing.get_context("spawn")
            self._pipe, other = context.Pipe()
            self._process = context.Process(target=_serve, args=(other, os.getpid()), daemon=True)
            self._process.start()
            other.close()

    def _drop(self) -> int | None:
        """Let the process end, as it does when its pipe is closed; its exit code, None where there is no process."""
        if self._process is None:
            return None
        self._pipe.close()
        self._process.join()
        code = self._process.exitcode
        self._process = self._pipe = None
        return code


def _how_it_ended(code: int | None) -> str:
    if code is None:
        return "worker could not be started"
    if code == -signal.SIGKILL:
        return "worker was killed (signal 9), perhaps out of memory (fewer --workers take less)"
    return f"worker was ended by signal {-code}" if code < 0 else f"worker ended with code {code}"


def _serve(pipe, parent: int) -> None:
    """The life of a worker: take a call, send back what it gave, until the pipe is closed."""
    use_one_core()
    try:
        become_worker(parent)
        while _answer(pipe):
            pass
    except Stopped:
        os._exit(128 + signal.SIGTERM)


def _answer(pipe) -> bool:
    """Do the next call; False when no more will come."""
    try:
        function, args, kwargs = pipe.recv()
    except (EOFError, OSError):
        return False
    try:
        answer = True, function(*args, **kwargs)
    except Stopped:
        raise
    except BaseException as error:  # noqa: BLE001 - SystemExit too: for the one who submitted the call
        answer = False, error
    try:
        pipe.send(answer)
    except OSError:  # the parent is gone
        return False
    except Exception as error:  # noqa: BLE001 - the answer cannot be sent
        pipe.send((False, RuntimeError(f"{type(error).__name__}: {error}")))
    return True


def use_one_core() -> None:
    """Keep the number libraries of this process to one thread, so that N workers use N cores."""
    for name in _THREAD_COUNTS:
        os.environ[name] = "1"
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)

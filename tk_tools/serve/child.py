"""A process of its own that does one call at a time, keeps what it loaded, and can be killed in the middle of one.

The right choice where a call may have to stop at any moment; for many files in a row jobs.pool is.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing import resource_tracker
from multiprocessing.reduction import ForkingPickler
from typing import Any

from tk_tools.files import progress
from tk_tools.jobs.worker_process import Stopped, become_worker

_PATIENCE = 3  # seconds that the process has to clear away what is half done before it is killed
_OFTEN = 0.2  # seconds between two words about progress
_TERMINATED = (-signal.SIGTERM, 128 + signal.SIGTERM)  # exit codes


class TimeLimit(Exception):
    """The call took too long, and its process was ended."""


class NoAnswer(Exception):
    """What the call gave, or raised, cannot be handed over from process to process; the message says why."""


class ChildDied(Exception):
    """The process ended during the call; the message says how. stopped: it was told to, and did."""

    def __init__(self, code: int | None):
        super().__init__(_how_it_ended(code))
        self.stopped = code in _TERMINATED


class Child:
    """One process, started when it is first called and again after it ended. Calls come from one thread at a time.

    memory: bytes of address space that it may take, None for any number.
    """

    def __init__(self, memory: int | None = None):
        self._memory = memory
        self._process = self._pipe = self._scratch = None
        self._changing = threading.Lock()
        self._closed = False

    @property
    def alive(self) -> bool:
        """Whether the process is there, with what it loaded."""
        process = self._process
        return process is not None and process.is_alive()

    def call(
        self, function: Callable, *args: Any, seconds: float, told: Callable[[float], None] = lambda seconds: None
    ) -> Any:
        """What `function` (importable by name) gives, or the exception that it raises.

        told: called with the seconds of the result that are written so far (files.progress). TimeLimit: it took longer
        than `seconds`; ChildDied: the process ended, by stop() too; NoAnswer: see there, and the process goes on.
        """
        try:
            self._start()
            self._pipe.send((function, args))
            kind, value = self._answer(time.monotonic() + seconds, told)
        except (EOFError, OSError) as error:
            with self._changing:
                raise ChildDied(self._end()) from error
        if kind == "done":
            return value
        if kind == "failed":
            raise value
        self.stop()
        raise TimeLimit

    def _answer(self, end: float, told: Callable[[float], None]) -> tuple[str, Any]:
        """What the process sends after its progress: ("done", value), ("failed", error); ("late", None) at `end`."""
        while self._pipe.poll(max(0.0, end - time.monotonic())):
            kind, value = self._pipe.recv()
            if kind != "told":
                return kind, value
            told(value)
        return "late", None

    def stop(self) -> None:
        """End the process, whatever it does; it may clear away what is half done."""
        with self._changing:
            if self._process is not None:
                self._process.terminate()
                self._end()

    def _end(self) -> int | None:
        """Wait for a process that ends, and see to it that it does; its exit code."""
        if self._process is None:
            return None
        self._process.join(_PATIENCE)
        self._process.kill()
        self._process.join()
        self._scratch.cleanup()
        return self._process.exitcode

    def close(self) -> None:
        """End the process for good: a later call raises ChildDied."""
        self._closed = True
        self.stop()

    def _start(self) -> None:
        with self._changing:
            if self._closed:
                raise EOFError
            if self.alive:
                return
            if self._pipe is not None:
                self._end()
                self._pipe.close()
            # a process that is stopped leaves its temporary files: libraries that espeak-ng was loaded from, say
            self._scratch = tempfile.TemporaryDirectory(prefix="tk-serve-", ignore_cleanup_errors=True)
            context = multiprocessing.get_context("spawn")
            self._pipe, other = context.Pipe()
            given = other, os.getpid(), self._memory, self._scratch.name
            self._process = context.Process(target=_live, args=given, daemon=True)
            resource_tracker.ensure_running()  # started with the process, it would let Ctrl-C through to it
            # Ctrl-C in a terminal reaches the whole group: the process must not see it before it can ignore it
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            self._process.start()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            other.close()


def _how_it_ended(code: int | None) -> str:
    if code == -signal.SIGKILL:
        return "the worker was killed (signal 9), perhaps out of memory"
    if code in _TERMINATED:
        return "the worker was told to end (signal 15), perhaps for want of memory"
    if code is None:
        return "the worker could not be started"
    return f"the worker was ended by signal {-code}" if code < 0 else f"the worker ended with code {code}"


def _live(pipe, parent: int, memory: int | None, scratch: str) -> None:
    """The life of the process: take a call, tell how far it is, send back what it gave, until the pipe is closed."""
    try:
        become_worker(parent)
        os.environ["TMPDIR"] = tempfile.tempdir = scratch
        if memory is not None:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        while _answer(pipe):
            pass
    except Stopped:
        os._exit(128 + signal.SIGTERM)


def _answer(pipe) -> bool:
    last = 0.0

    def pass_on(seconds: float) -> None:
        nonlocal last
        if time.monotonic() - last > _OFTEN:
            last = time.monotonic()
            pipe.send(("told", seconds))

    try:
        function, args = pipe.recv()
        with progress.listen(pass_on):
            try:
                answer = "done", function(*args)
            except Exception as error:  # noqa: BLE001 - for the one who called
                answer = "failed", error
        pipe.send_bytes(_packed(answer))
    except (EOFError, OSError):  # the parent is gone
        return False
    return True


def _packed(answer: tuple[str, Any]) -> bytes:
    """What is sent of an answer. It is opened here once: a fault in that must not meet the one who waits for it."""
    try:
        packed = bytes(ForkingPickler.dumps(answer))
        ForkingPickler.loads(packed)
    except Exception as error:  # noqa: BLE001 - whatever a class makes of being packed
        return bytes(ForkingPickler.dumps(("failed", NoAnswer(f"its answer cannot be handed over: {error}"))))
    return packed

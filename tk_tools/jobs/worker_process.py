"""How each worker process begins: Ctrl-C is for its parent, SIGTERM becomes an exception, it ends with its parent."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from tk_tools.jobs.signals import is_importing


class Stopped(BaseException):
    """SIGTERM in a worker, as an exception: what is half done is cleared away on the way out."""


def become_worker(parent: int) -> None:
    """Make the process that was just started a worker of the process `parent`, which it does not outlive."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to handle
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    sys.unraisablehook = _end_or_print
    signal.signal(signal.SIGTERM, _stop)


def _stop(number, frame) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if is_importing(frame):
        os._exit(128 + number)
    raise Stopped


def _end_or_print(unraisable) -> None:
    """The signal came in a finaliser or a callback, which Python would print and forget."""
    if unraisable.exc_type is Stopped:
        os._exit(128 + signal.SIGTERM)
    sys.__unraisablehook__(unraisable)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)

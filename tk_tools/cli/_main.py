"""The one way in: every command starts here, and every way out has its exit code."""

from __future__ import annotations

import atexit
import contextlib
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from enum import IntEnum
from typing import NoReturn

import click
from click.shell_completion import shell_complete

from tk_tools.errors import ConfigError, TkError
from tk_tools.jobs.signals import is_importing

_SAME_SIGNAL = 1  # seconds
_SOON = 0.01  # seconds
_stopped_at = -math.inf
_signal = 0  # the last one that came


class ExitCode(IntEnum):
    """What a command's exit code says."""

    DONE = 0
    SOME_FAILED = 1
    USAGE = 2
    INTERRUPTED = 130
    READER_GONE = 141
    TERMINATED = 143


class Terminated(BaseException):
    """SIGTERM, as an exception: what is half done is cleared away on the way out."""


def entry(command: click.Command) -> Callable[[], None]:
    """The function that a console script calls for `command`."""

    def main() -> None:
        for name in ("stdin", "stdout", "stderr"):  # closed by the caller: nobody reads, nothing comes
            if getattr(sys, name) is None:
                setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: SIM115
        sys.unraisablehook = _raise_again
        signal.signal(signal.SIGALRM, _stop_now)
        signal.signal(signal.SIGTERM, _stop)
        if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # nohup and the like
            signal.signal(signal.SIGINT, _stop)
        code = run(command, sys.argv[1:])
        # all is done: what comes now just ends the process, and is nothing new where a signal was the reason
        stopped = code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED)
        late = signal.SIG_IGN if stopped else signal.SIG_DFL
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, late)
        if signal.getsignal(signal.SIGINT) == _stop:
            signal.signal(signal.SIGINT, late)
        if stopped:
            _leave_at_once(code)
        sys.exit(code)

    return main


def run(command: click.Command, arguments: list[str]) -> int:
    """Run a command and return its exit code; messages go to stderr, and a user's mistake gives no traceback."""
    name = command.name or "tk"
    try:
        try:
            code = _invoke(command, name, arguments)
        finally:
            stop_if_told()  # whatever else came of its exception on the way
        sys.stdout.flush()
        return ExitCode(code) if isinstance(code, int) else ExitCode.DONE
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.UsageError as error:
        error.show(file=sys.stderr)
        return ExitCode.USAGE
    except click.ClickException as error:
        _say(name, error.format_message())
        return ExitCode.USAGE
    except ConfigError as error:
        _say(name, str(error))
        return ExitCode.USAGE
    except TkError as error:
        _say(name, str(error))
        _drop_output()
        return ExitCode.SOME_FAILED
    except (KeyboardInterrupt, click.Abort):
        _say(name, "interrupted")
        return ExitCode.INTERRUPTED
    except Terminated:
        _say(name, "terminated")
        return ExitCode.TERMINATED
    except BrokenPipeError:
        _drop_output()
        return ExitCode.READER_GONE
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        _say(name, f"{where}{error.strerror or error}")
        _drop_output()
        return ExitCode.SOME_FAILED


def _raise_again(unraisable) -> None:
    """A signal that came in the middle of a finaliser or a callback, which Python would print and forget."""
    global _stopped_at
    if unraisable.exc_type in (KeyboardInterrupt, Terminated):
        _stopped_at = -math.inf
        _try_again_soon()
    else:
        sys.__unraisablehook__(unraisable)


def _leave_at_once(code: int) -> NoReturn:
    """End without Python's own end, in which h5py cannot close a file any more that the signal left open."""
    atexit._run_exitfuncs()
    _drop_output()
    os._exit(code)


def _drop_output() -> None:
    """What stdout still holds and nobody takes is not tried again at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _invoke(command: click.Command, name: str, arguments: list[str]) -> int | None:
    """What click's own `main` does, which would turn a closed pipe into an exit code of 1."""
    variable = f"_{name}_COMPLETE".replace("-", "_").upper()
    if instruction := os.environ.get(variable):
        return shell_complete(command, {}, name, variable, instruction)
    with command.make_context(name, list(arguments)) as context:
        return command.invoke(context)


def _stop(number: int, frame) -> None:
    """SIGINT and SIGTERM as exceptions. Wrappers pass on a Ctrl-C that the group had already: it counts once."""
    global _signal
    _signal = number
    _stop_now(number, frame)


def _stop_now(number: int, frame) -> None:
    global _stopped_at
    if is_importing(frame):
        _try_again_soon()
        return
    before, _stopped_at = _stopped_at, time.monotonic()
    if _stopped_at - before > _SAME_SIGNAL:
        stop_if_told()


def _try_again_soon() -> None:
    signal.setitimer(signal.ITIMER_REAL, _SOON)  # gives SIGALRM


def stop_if_told() -> None:
    """Raise what a signal asked for: also when its exception came up in code that swallowed it."""
    if _signal:
        raise KeyboardInterrupt if _signal == signal.SIGINT else Terminated


def _say(tool: str, message: str) -> None:
    with contextlib.suppress(OSError):  # stderr is closed too: nobody to tell
        print(printable(f"{tool}: {message}"), file=sys.stderr)


def printable(text: str) -> str:
    """One line that any terminal can show: names that are not UTF-8 and control characters are escaped."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)

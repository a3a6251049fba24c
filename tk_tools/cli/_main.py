"""The one way in: every command starts here, and every way out has its exit code."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from enum import IntEnum

import click
from click.shell_completion import shell_complete

from tk_tools.errors import ConfigError, TkError

_SAME_SIGNAL = 1  # seconds
_SOON = 0.01  # seconds
_stopped_at = -math.inf


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
        signal.signal(signal.SIGTERM, _stop)
        if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # nohup and the like
            signal.signal(signal.SIGINT, _stop)
        code = run(command, sys.argv[1:])
        # all is done: what comes now just ends the process, and is nothing new where a signal was the reason
        late = signal.SIG_IGN if code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED) else signal.SIG_DFL
        signal.signal(signal.SIGTERM, late)
        if signal.getsignal(signal.SIGINT) == _stop:
            signal.signal(signal.SIGINT, late)
        sys.exit(code)

    return main


def run(command: click.Command, arguments: list[str]) -> int:
    """Run a command and return its exit code; messages go to stderr, and a user's mistake gives no traceback."""
    name = command.name or "tk"
    try:
        code = _invoke(command, name, arguments)
        sys.stdout.flush()
        return ExitCode(code) if isinstance(code, int) else ExitCode.DONE
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.UsageError as error:
        error.show(file=sys.stderr)
        return ExitCode.USAGE
    except click.ClickException as error:
        _say(f"{name}: {error.format_message()}")
        return ExitCode.USAGE
    except ConfigError as error:
        _say(f"{name}: {error}")
        return ExitCode.USAGE
    except TkError as error:
        _say(f"{name}: {error}")
        _drop_output()
        return ExitCode.SOME_FAILED
    except (KeyboardInterrupt, click.Abort):
        _say(f"{name}: interrupted")
        return ExitCode.INTERRUPTED
    except Terminated:
        _say(f"{name}: terminated")
        return ExitCode.TERMINATED
    except BrokenPipeError:
        _drop_output()
        return ExitCode.READER_GONE
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        _say(f"{name}: {where}{error.strerror or error}")
        _drop_output()
        return ExitCode.SOME_FAILED


def _raise_again(unraisable) -> None:
    """A signal that came in the middle of a finaliser or a callback, which Python would print and forget."""
    global _stopped_at
    numbers = {KeyboardInterrupt: signal.SIGINT, Terminated: signal.SIGTERM}
    number = numbers.get(unraisable.exc_type)
    if number is None:
        sys.__unraisablehook__(unraisable)
    else:
        _stopped_at = -math.inf
        again = threading.Timer(_SOON, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()


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
    global _stopped_at
    before, _stopped_at = _stopped_at, time.monotonic()
    if _stopped_at - before > _SAME_SIGNAL:
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated


def _say(message: str) -> None:
    with contextlib.suppress(OSError):  # stderr is closed too: nobody to tell
        print(printable(message), file=sys.stderr)


def printable(text: str) -> str:
    """One line that any terminal can show: names that are not UTF-8 and control characters are escaped."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)

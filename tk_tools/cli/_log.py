"""What people read, on stderr: short lines on a terminal, dated lines elsewhere (cron, CI), progress in both."""

from __future__ import annotations

import contextlib
import sys
import time
from datetime import datetime

from tk_tools.cli._main import printable

_SILENT_SECONDS = 30  # between lines of progress where there is no terminal


class Log:
    """Messages of one tool; `verbosity` is the count of -v less that of -q."""

    def __init__(self, tool: str, verbosity: int = 0):
        self.tool, self.verbosity = tool, verbosity
        self._terminal = sys.stderr.isatty()
        self._progress = None
        self._last = time.monotonic()

    def error(self, message: str) -> None:
        """A fault: always shown."""
        self._print(message)

    def warn(self, message: str) -> None:
        """Something that the user should know: hidden by -qq."""
        if self.verbosity > -2:
            self._print(message)

    def info(self, message: str) -> None:
        """What goes on: hidden by -q."""
        if self.verbosity > -1:
            self._print(message)

    def detail(self, message: str) -> None:
        """Shown with -v only; may have several lines."""
        if self.verbosity > 0:
            for line in message.splitlines():
                self._print(line)

    def progress(self, message: str) -> None:
        """Where the work stands: a line that changes on a terminal, now and then a dated one elsewhere."""
        if self.verbosity < 0:
            return
        if self._terminal:
            if self._progress is None:
                from rich.console import Console
                from rich.status import Status

                self._progress = Status(message, console=Console(stderr=True))
                self._progress.start()
            self._progress.update(message)
        elif time.monotonic() - self._last > _SILENT_SECONDS:
            self._last = time.monotonic()
            self._print(message)

    def close(self) -> None:
        """Take the changing line away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _print(self, message: str) -> None:
        stamp = "" if self._terminal else f"{datetime.now().isoformat(timespec='seconds')} "
        with contextlib.suppress(OSError):  # stderr is closed or full: nobody to tell, and the work goes on
            print(f"{stamp}{self.tool}: {printable(message)}", file=sys.stderr, flush=True)

"""SIGINT and SIGTERM while training: noted, and acted on between two steps, so that nothing is lost.

A second signal acts at once. What a signal means in the end is left to whoever handled it before.
"""

from __future__ import annotations

import signal
import threading


class StopSignals:
    """Within the `with` block `number` is the first signal that came, 0 before."""

    def __init__(self) -> None:
        self.number = 0
        self._before: dict[int, object] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) != signal.SIG_IGN:  # nohup and the like
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._put_back()

    def act(self) -> None:
        """Let the signal do what it would have done without us (the entry point has an exit code for it)."""
        self._put_back()
        signal.raise_signal(self.number)

    def _note(self, number: int, frame: object) -> None:
        if self.number:
            self.act()
        self.number = number

    def _put_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

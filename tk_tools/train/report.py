"""What a training run tells while it runs: the table of losses, the speed, and the time spent waiting for data.

A live table on a terminal, one line for each row elsewhere; all of it on stderr.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

_ROWS = 12  # of the table on a terminal


class Report:
    """Shows rows of numbers; `log` has the methods info and warn."""

    def __init__(self, log: Any, title: str, step: int, max_steps: int):
        self._log, self._title, self._max_steps = log, title, max_steps
        self._rows: deque[dict[str, float]] = deque(maxlen=_ROWS)
        self._columns: list[str] = []
        self._step, self._start = step, time.monotonic()
        self._waited = 0.0
        self._live = None
        if sys.stderr.isatty() and getattr(log, "verbosity", 0) >= 0:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True), auto_refresh=False, redirect_stdout=False)
            self._live.start()

    def waited(self, seconds: float) -> None:
        """Add time in which training stood still for want of data."""
        self._waited += seconds

    def row(self, numbers: Mapping[str, float]) -> None:
        """Show the numbers of a step, with the speed since the row before."""
        now = time.monotonic()
        seconds = max(now - self._start, 1e-9)
        step = int(numbers["step"])
        speed, share = (step - self._step) / seconds, min(self._waited / seconds, 1)
        self._step, self._start, self._waited = step, now, 0.0
        if self._live is None:
            losses = "  ".join(f"{name} {value:.4g}" for name, value in numbers.items() if "/" in name)
            self._log.info(
                f"{self._title}: step {step}/{self._max_steps}, epoch {numbers['epoch']:.0f}:  {losses}  "
                f"({speed:.3g} steps/s, {share:.0%} of the time waiting for data)"
            )
            return
        shown = {**numbers, "steps/s": speed, "waiting": share}
        self._columns += [name for name in numbers if name not in self._columns]
        self._rows.append(shown)
        self._live.update(self._table(), refresh=True)

    def close(self) -> None:
        """Leave the table as it stands."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _table(self):
        from rich.table import Table

        table = Table(title=f"{self._title}: step {self._step} of {self._max_steps}", box=None, pad_edge=False)
        columns = [*self._columns, "steps/s", "waiting"]
        for name in columns:
            table.add_column(name, justify="right")
        for row in self._rows:
            table.add_row(*(_cell(name, row.get(name)) for name in columns))
        return table


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return ""
    if name in ("step", "epoch"):
        return str(int(value))
    return f"{value:.0%}" if name == "waiting" else f"{value:.4g}"

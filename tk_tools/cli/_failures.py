"""The file of --errors: the failed inputs, one NDJSON row each, written as they fail."""

from __future__ import annotations

import json
from pathlib import Path

import click

_LONGEST_ROW = 1 << 20  # characters


class FailureList:
    """Rows of `tool` into the file at `path`; None: they go nowhere. UsageError: another file stands there."""

    def __init__(self, path: Path | None, tool: str):
        self._tool = tool
        self._file = None if path is None else _open(path)

    def add(self, path: Path | None, message: str) -> None:
        """One input that failed, on the disk at once."""
        if self._file is not None:
            row = {"error": message, "path": None if path is None else str(path), "tool": self._tool}
            self._file.write(json.dumps(row, sort_keys=True) + "\n")
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _open(path: Path):
    if path.is_file() and not _holds_failures(path):
        raise click.UsageError(f"--errors: {path} is there already and is no list of failed inputs; name another.")
    try:
        return open(path, "w", encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise click.UsageError(f"--errors: {path} cannot be written: {error.strerror}") from error


def _holds_failures(path: Path) -> bool:
    """Whether a file is empty or was written by --errors."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            line = file.readline(_LONGEST_ROW)
        return not line or {"error", "path", "tool"} == json.loads(line).keys()
    except (OSError, ValueError, AttributeError):
        return False

"""The errors that a user can mend. Each message is one line: what is wrong, and what to do about it.

The command layer prints them without a traceback; anything else that is raised is a fault of ours and keeps its own.
"""

from __future__ import annotations

from os import PathLike, fspath


class TkError(Exception):
    """A fault that the user can mend; `path` is the file that it is about, when there is one."""

    def __init__(self, message: str, path: str | bytes | PathLike | None = None):
        super().__init__(message, path)
        self.message = message
        self.path = None if path is None else fspath(path)

    def __str__(self) -> str:
        return self.message if self.path is None else f"{self.path}: {self.message}"


class InputError(TkError):
    """An input file cannot be used: missing, damaged, of another kind, or without what the tool needs."""


class OutputError(TkError):
    """A result could not be written: no room, no permission, or a file where a folder is needed."""


class ConfigError(TkError):
    """A configuration key or value is not one that the model knows."""


class WeightsError(TkError):
    """A file of weights is missing, damaged, unsafe, or belongs to another network."""


class MissingPackage(TkError):
    """An optional package is not installed; the message ends with the command that installs it."""


class TrainingError(TkError):
    """Training cannot go on; what was trained so far is kept."""

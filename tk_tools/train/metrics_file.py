"""metrics.csv: a row for each step that has numbers, with the columns step, epoch, train/NAME and val/NAME.

It bears no times, so an interrupted run that was resumed has the same file as an unbroken one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from tk_tools.errors import InputError
from tk_tools.files.atomic import atomic_path, output_error

Row = dict[str, float]


def read_metrics(path: Path) -> list[Row]:
    """The rows of a metrics.csv, oldest first, without the empty cells. InputError: it is no such file."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from error
    except (ValueError, TypeError, AttributeError, csv.Error) as error:
        raise InputError("is no metrics.csv of tk-train", path=path) from error
    return [
        {**row, "step": int(row["step"]), "epoch": int(row["epoch"])} for row in rows if {"step", "epoch"} <= row.keys()
    ]


class MetricsFile:
    """The rows so far (`rows`), and the file that holds them."""

    def __init__(self, path: Path, last_step: int):
        """Takes up an existing file; rows after `last_step`, of a run killed later, are dropped."""
        self.path = path
        self.rows: list[Row] = []
        self.columns = ["step", "epoch"]
        if path.exists():
            for row in read_metrics(path):
                if (self.rows[-1]["step"] if self.rows else 0) < row["step"] <= last_step:  # a torn line may go back
                    self.rows.append(row)
                    self._add_columns(row)
        self._write_all()

    def add(self, row: Mapping[str, float]) -> None:
        """Append a row; it is in the file when this returns."""
        self.rows.append(dict(row))
        if self._add_columns(row):
            self._write_all()
            return
        try:
            with open(self.path, "a", newline="", encoding="utf-8") as file:
                file.write(self._lines([row]))
        except OSError as error:
            raise output_error(error, self.path) from error

    def _add_columns(self, row: Mapping[str, float]) -> bool:
        new = [name for name in row if name not in self.columns]
        self.columns += new
        return bool(new)

    def _write_all(self) -> None:
        with atomic_path(self.path) as temporary:
            temporary.write_text(",".join(self.columns) + "\n" + self._lines(self.rows), encoding="utf-8")

    def _lines(self, rows: list[Mapping[str, float]]) -> str:
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=self.columns, lineterminator="\n")
        writer.writerows({name: _text(value) for name, value in row.items()} for row in rows)
        return text.getvalue()


def _text(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.9g}"

"""Landmarks that OpenFace found: NAME.csv of FeatureExtraction or FaceLandmarkVid, a row for each picture.

Columns are found by their names (frame, timestamp, confidence, success, x_0 ... y_67; blanks around them are passed
over), since recorded gaze or pose moves them. Source: OpenFace's output format, TadasBaltrusaitis/OpenFace wiki.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from tk_tools.errors import InputError

SUFFIX = ".csv"
_POINTS = 68
_NEEDED = (*(f"x_{n}" for n in range(_POINTS)), *(f"y_{n}" for n in range(_POINTS)))


@dataclass(frozen=True)
class OpenFaceLandmarks:
    """What a file says: for each row the picture's `number` (from 0) and its `time` in seconds (NaN when not told),
    `points` (n, 68, 2) in source pixels, NaN where the face was not found, and `confidence` (n,), NaN when not told.
    faces: of how many faces the file has rows; these are of one of them."""

    number: np.ndarray
    time: np.ndarray
    points: np.ndarray
    confidence: np.ndarray
    faces: int

    @property
    def pictures(self) -> int:
        """How many pictures the file speaks of, those without a row among them."""
        return int(self.number[-1]) + 1

    def on_clock(self, fps: Fraction, source_fps: Fraction) -> Lookup:
        """The rows for pictures at `fps` of a video whose own rate is `source_fps`."""
        times = self.time if np.isfinite(self.time).all() else self.number / float(source_fps)
        return Lookup(self, times, fps=float(fps), reach=0.75 / float(source_fps))


class Lookup:
    """Gives (points (68, 2), confidence) of each picture in turn, None where there is none within `reach` seconds."""

    def __init__(self, found: OpenFaceLandmarks, times: np.ndarray, fps: float, reach: float):
        self._found, self._times, self._fps, self._reach = found, times, fps, reach
        self._picture = 0

    def next(self) -> tuple[np.ndarray, float] | None:
        time = self._picture / self._fps
        self._picture += 1
        row = int(np.searchsorted(self._times, time))
        row = min(
            (place for place in (row - 1, row) if 0 <= place < len(self._times)),
            key=lambda r: abs(self._times[r] - time),
        )
        points = self._found.points[row]
        if abs(self._times[row] - time) > self._reach or not np.isfinite(points).all():
            return None
        return points, float(self._found.confidence[row])


def read_openface(path: Path) -> OpenFaceLandmarks:
    """The landmarks in a file; of several faces that one which is in most rows.

    InputError: it is no such file, or its frame numbers or time stamps do not rise.
    """
    lines, rows = _read_rows(path)
    names = {name.strip(): column for column, name in enumerate(rows[0])}
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise InputError(
            f"has no column {missing[0]} ({len(missing)} of 136 are missing); OpenFace writes them with -2Dfp",
            path=path,
        )
    values, lines = _numbers(rows[1:], len(rows[0]), lines[1:], path), np.array(lines[1:])

    def column(name: str, default: float) -> np.ndarray:
        return values[:, names[name]] if name in names else np.full(len(values), default)

    faces, count = np.unique(column("face_id", 0), return_counts=True)
    followed = column("face_id", 0) == faces[count.argmax()]
    values, lines = values[followed], lines[followed]
    number = column("frame", np.nan) - 1 if "frame" in names else np.arange(len(values), dtype=float)
    if not (np.isfinite(number).all() and (number >= 0).all() and (np.diff(number) > 0).all()):
        raise InputError("its frame numbers do not grow from row to row, from 1 on", path=path)
    time = column("timestamp", np.nan)
    if (falls := np.flatnonzero(np.diff(time) <= 0)).size:
        before, after = time[falls[0]], time[falls[0] + 1]
        raise InputError(
            f"line {lines[falls[0] + 1]}: its time stamp {after:g} s is not later than {before:g} s of the row before;"
            " run OpenFace again",
            path=path,
        )
    points = np.stack([values[:, [names[f"{axis}_{n}"] for n in range(_POINTS)]] for axis in "xy"], axis=-1)
    lost = (column("success", 1) == 0) | (np.ptp(points.reshape(len(points), -1), axis=1) == 0)
    points[lost] = np.nan
    return OpenFaceLandmarks(number.astype(int), time, points, column("confidence", np.nan), len(faces))


def _read_rows(path: Path) -> tuple[list[int], list[list[str]]]:
    """The rows that are not empty, and the number of each one's line in the file."""
    lines, rows = [], []
    try:
        with open(path, newline="", encoding="utf-8", errors="strict") as file:
            reader = csv.reader(file)
            for row in reader:
                if row:
                    lines.append(reader.line_num)
                    rows.append(row)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", path=path) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError("is not a CSV file", path=path) from error
    if len(rows) < 2:
        raise InputError("holds no row of landmarks", path=path)
    return lines, rows


def _numbers(rows: list[list[str]], columns: int, lines: list[int], path: Path) -> np.ndarray:
    """(rows, columns) float64."""
    values = np.empty((len(rows), columns))
    for place, row in enumerate(rows):
        try:
            values[place] = [float(cell) if cell.strip() else np.nan for cell in row]
        except ValueError as error:
            what = f"line {lines[place]} is not {columns} numbers; is the file cut short?"
            raise InputError(what, path=path) from error
    return values

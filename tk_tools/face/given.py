"""Boxes and landmarks that were made elsewhere, each standing in for a Tracker.

Boxes: the detector `folder`, one NAME.npy for each NAME.mp4, a row for each picture. Landmarks: see openface.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tk_tools.errors import ConfigError, InputError
from tk_tools.face.backends import Backend
from tk_tools.face.openface import Lookup
from tk_tools.face.picture import Picture
from tk_tools.face.track import Sighting

_INSIDE = 0.5  # of the landmarks: a face of which less is seen is of no use
_FLAT = 0.2  # width over height: less is a profile at the edge of sight, or no face


def read_boxes(folder: Path | None, source: Path) -> np.ndarray:
    """(frames, 4) float64 boxes x1 y1 x2 y2 of a clip in source pixels; a row of NaN where there is no face.

    ConfigError: no folder given. InputError: no such file, or not of that shape.
    """
    if folder is None:
        raise ConfigError("the detector folder needs --boxes, a folder with NAME.npy for each clip")
    path = Path(folder) / f"{source.name.removesuffix('.frames.h5').removesuffix(source.suffix)}.npy"
    try:
        found = np.load(path, allow_pickle=False)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", path=path) from error
    except (ValueError, EOFError) as error:
        raise InputError("is not an array of numpy", path=path) from error
    if found.ndim != 2 or found.shape[1] < 4 or found.dtype.kind not in "fiu":
        raise InputError(
            f"is {found.dtype} of shape {found.shape}; expected numbers (frames, 4): x1 y1 x2 y2", path=path
        )
    return found[:, :4].astype(float)


class GivenBoxes:
    """Stands in for a Tracker: the boxes (n, 4) are given, NaN for none; the backend lays the landmarks into them."""

    def __init__(self, backend: Backend, given: np.ndarray):
        self._backend, self._given = backend, iter(given)
        self.most_faces = int(np.isfinite(given).any())

    def step(self, picture: Picture) -> tuple[Sighting | None, bool]:
        """See Tracker.step; pictures beyond the last row have no face."""
        box = next(self._given, None)
        if box is None or not np.isfinite(box).all() or box[2] <= box[0] or box[3] <= box[1]:
            return None, False
        return Sighting(self._backend.landmarks(picture, box), 1.0), False

    def trace_back(self, pictures: Iterable[Picture], sighting: Sighting, picture: Picture) -> list[Sighting]:
        """Nothing is found that was not given."""
        return []


def _is_face(points: np.ndarray, picture: Picture) -> bool:
    """Whether landmarks (68, 2) lie in the picture for the most part, and are not a line."""
    inside = ((points >= 0) & (points < (picture.width, picture.height))).all(axis=1).mean()
    width, height = np.ptp(points, axis=0)
    return inside >= _INSIDE and min(width, height) > _FLAT * max(width, height)


class GivenLandmarks:
    """Stands in for a Tracker: nothing is looked for, and no backend needed."""

    most_faces = 1

    def __init__(self, given: Lookup):
        self._given = given

    def step(self, picture: Picture) -> tuple[Sighting | None, bool]:
        """See Tracker.step."""
        found = self._given.next()
        if found is None or not _is_face(found[0], picture):
            return None, False
        return Sighting(*found), False

    def trace_back(self, pictures: Iterable[Picture], sighting: Sighting, picture: Picture) -> list[Sighting]:
        """Nothing is found that was not given."""
        return []

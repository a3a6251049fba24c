"""Scene cuts from thumbnails: a jump of the block means that stands out from the motion just before it."""

from __future__ import annotations

from collections import deque

import numpy as np

from tk_tools.face.picture import Picture

LEAST_JUMP = 14.0  # grey levels, mean over the blocks of a 16 x 16 thumbnail
RATIO = 4.0  # how far a cut stands out from the usual change between pictures
HISTORY = 12  # pictures


class CutDetector:
    """Feed pictures in order; `is_cut` is true for the first picture of a new scene."""

    def __init__(self):
        self._last: np.ndarray | None = None
        self._changes: deque[float] = deque(maxlen=HISTORY)

    def is_cut(self, picture: Picture) -> bool:
        """Whether a new scene begins with this picture; asked of each picture, in order."""
        thumbnail = picture.thumbnail
        if self._last is None:
            self._last = thumbnail
            return False
        change = float(np.abs(thumbnail - self._last).mean())
        self._last = thumbnail
        usual = float(np.median(self._changes)) if self._changes else 0.0
        cut = change > max(LEAST_JUMP, RATIO * usual)
        if cut:
            self._changes.clear()
        else:
            self._changes.append(change)
        return cut

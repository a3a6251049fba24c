"""Arrays that a data set keeps in memory once they were read, as many as there is room for."""

from __future__ import annotations

import numpy as np


class Kept:
    """Arrays of clips by their place, in `room` bytes; what does not fit is not kept."""

    def __init__(self, room: int):
        self.room = room
        self._arrays: dict[int, np.ndarray] = {}

    def get(self, place: int) -> np.ndarray | None:
        """The array of a clip, of whatever shape it was kept; None: there was no room, or it was not asked for yet."""
        return self._arrays.get(place)

    def keep(self, place: int, array: np.ndarray) -> np.ndarray:
        """Keep an array of a clip if there is room; gives it back."""
        if array.nbytes <= self.room:
            self.room -= array.nbytes
            self._arrays[place] = array
        return array

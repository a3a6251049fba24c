"""Arrays that a data set keeps in memory once they were read, as many as there is room for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tk_tools.errors import InputError


def room_of(cache_mb: int, workers: int, clips: int, others: int) -> int:
    """Bytes that a data set of `clips` clips may keep in one process.

    cache_mb: for the training process and its `workers` loader processes together. others: clips of the data set that
    is drawn from beside this one (validation beside training), to which its share is left.
    """
    return cache_mb * 1_000_000 // (1 + workers) * clips // (clips + others)


class Kept:
    """Arrays of clips by their place, in `room` bytes; what does not fit is not kept."""

    def __init__(self, room: int):
        self.room = room
        self._arrays: dict[int, np.ndarray] = {}
        self._unreadable: set[int] = set()

    def get(self, place: int) -> np.ndarray | None:
        """The array of a clip, of whatever shape it was kept; None: there was no room, or it was not asked for yet."""
        return self._arrays.get(place)

    def keep(self, place: int, array: np.ndarray) -> np.ndarray:
        """Keep an array of a clip if there is room; gives it back."""
        if array.nbytes <= self.room:
            self.room -= array.nbytes
            self._arrays[place] = array
        return array

    def whole(self, place: int, size: int, read: Callable[[], np.ndarray]) -> np.ndarray | None:
        """The array of a clip, of `size` bytes, read when it is not here yet. None: there is no room, or a part of it
        cannot be read, which is not tried again; what an item needs of it may still be had from the file."""
        if place not in self._arrays and place not in self._unreadable and size <= self.room:
            try:
                self.keep(place, read())
            except (InputError, OSError):
                self._unreadable.add(place)
        return self._arrays.get(place)

"""Clips that turn out damaged while they are drawn from: a neighbour stands in for each of them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from tk_tools.errors import InputError

log = logging.getLogger(__name__)


class StandIns:
    """Of a data set of `count` clips, in its process: which of them cannot be read."""

    def __init__(self, count: int):
        self._count = count
        self._damaged: set[int] = set()

    def item(self, place: int, make: Callable[[int], Any]) -> Any:
        """What `make` gives of the clip of that place, or of the next one that can be read; the damaged ones are told.

        InputError: none of them can be read.
        """
        for step in range(self._count):
            stand_in = (place + step) % self._count
            if stand_in in self._damaged:
                continue
            try:
                return make(stand_in)
            except (InputError, OSError) as error:
                self._damaged.add(stand_in)
                log.warning("left out from now on: %s", error)
        raise InputError("none of the clips can be read any more; the last lines say why")

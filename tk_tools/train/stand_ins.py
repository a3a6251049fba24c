"""Clips that turn out damaged while they are drawn from: a neighbour stands in where one cannot be read.

Whether a clip is read depends on the item alone, not on what was met before: a resumed run, which knows nothing of
that, draws what the unbroken one draws, and so does any number of loader processes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from tk_tools.errors import InputError

log = logging.getLogger(__name__)


class StandIns:
    """Of a data set of `count` clips."""

    def __init__(self, count: int):
        self._count = count
        self._told: set[int] = set()

    def item(self, place: int, make: Callable[[int], Any]) -> Any:
        """What `make` gives of the clip of that place, or of the next one of which it gives anything; each clip that
        it fails for is told once.

        InputError: it fails for all of them.
        """
        for step in range(self._count):
            stand_in = (place + step) % self._count
            try:
                return make(stand_in)
            except (InputError, OSError) as error:
                if stand_in not in self._told:
                    self._told.add(stand_in)
                    log.warning("another clip stands in where this one is damaged: %s", error)
        raise InputError("none of the clips can be read any more; the last lines say why")

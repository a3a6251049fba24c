"""What is wrong with a recording that can be used all the same; what is made from it has the fault as well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from tk_tools.files.soundtrack import audio_rate

FULL_SCALE = 0.99
CLIPPED = 1e-3  # share of the samples at full scale from which it is told


class Faults:
    """Counts while a sound goes by. highest: Hz up to which it is listened to."""

    def __init__(self, path: Path, highest: float):
        self._path, self._highest = path, highest
        self._samples = self._clipped = 0

    def listen(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The blocks (n,) float in [-1, 1] as they are."""
        self._samples = self._clipped = 0
        for block in blocks:
            self._samples += len(block)
            self._clipped += int(np.count_nonzero(np.abs(block) >= FULL_SCALE))
            yield block

    def in_words(self) -> dict[str, str]:
        """{"warning": ...} when all of it has gone by and there is one; else {}."""
        found = []
        rate = audio_rate(self._path)
        if rate < 2 * self._highest:
            found.append(f"is at {rate} Hz: nothing is heard above {rate / 2:g} Hz")
        if self._clipped > CLIPPED * self._samples:
            found.append(f"{100 * self._clipped / self._samples:.1f} % of its samples are clipped")
        return {"warning": "; ".join(found)} if found else {}

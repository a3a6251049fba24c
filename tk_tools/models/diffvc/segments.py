"""A long mel in segments, cut where it is quiet, and the converted segments joined again by cross-fades.

The decoder's norms and attention see a whole segment, and its memory grows with it: what is short enough stays in one
piece, as the published numbers ask for, and a longer mel is cut, so that memory does not grow with its length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from tk_tools.audio.mel_presets import DIFFVC
from tk_tools.models.diffvc.options import LONGEST_SEGMENT

LONGEST = round(LONGEST_SEGMENT * DIFFVC.columns_per_second)  # frames of a segment
SHORTEST = round(3 * DIFFVC.columns_per_second)  # frames of the last segment of several
OVERLAP = round(0.25 * DIFFVC.columns_per_second)  # frames that two neighbours have in common


class Segment(NamedTuple):
    """Part of a mel (n, 80), and how many of its first frames the segment before has as its last ones."""

    mel: np.ndarray
    overlap: int


def segments(mels: Iterable[np.ndarray]) -> Iterator[Segment]:
    """A mel that comes in pieces (n, 80) of any size; segments do not depend on how it is cut into pieces."""
    held, overlap = np.zeros((0, DIFFVC.n_mels), np.float32), 0
    for mel in mels:
        held = np.concatenate([held, mel])
        while len(held) >= LONGEST + SHORTEST:
            place = _quietest(held[: LONGEST + SHORTEST])
            yield Segment(held[: place + OVERLAP], overlap)
            held, overlap = held[place:], OVERLAP
    if len(held) > LONGEST:
        place = _quietest(held)
        yield Segment(held[: place + OVERLAP], overlap)
        held, overlap = held[place:], OVERLAP
    if len(held):
        yield Segment(held, overlap)


def joined(converted: Iterable[Segment]) -> Iterator[np.ndarray]:
    """The mel of converted segments, in pieces (n, 80): one fades into the next where they overlap."""
    tail = np.zeros((0, DIFFVC.n_mels), np.float32)
    for mel, overlap in converted:
        rise = (np.arange(overlap, dtype=np.float32)[:, None] + 1) / (overlap + 1)
        faded = tail * (1 - rise) + mel[:overlap] * rise
        mel = np.concatenate([faded, mel[overlap:]])
        yield mel[:-OVERLAP]
        tail = mel[-OVERLAP:]
    yield tail


def _quietest(mel: np.ndarray) -> int:
    """Where the quietest OVERLAP frames begin, of those at which a mel that is too long can be cut."""
    first, last = LONGEST // 2, min(LONGEST - OVERLAP, len(mel) - SHORTEST)
    energy = np.exp(2.0 * mel[first : last + OVERLAP]).sum(axis=1)
    return first + int(np.convolve(energy, np.ones(OVERLAP), mode="valid").argmin())

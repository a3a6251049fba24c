"""NAME.TextGrid: the phones of a recording and their times, as Praat and forced aligners write them.

Long or short, UTF-8 or UTF-16, by praatio. What these tools write has a tier "made by" that says from what and how.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tk_tools.errors import InputError
from tk_tools.files.atomic import atomic_path
from tk_tools.files.provenance import Provenance, Source

SUFFIX = ".TextGrid"
TIER = "phones"
_MADE_BY = "made by"
_GAP = 0.05  # seconds that rounding may leave between the last interval and the end of its tier


@dataclass(frozen=True)
class Phones:
    """The phones of a recording: `symbols`, "" where the TextGrid has no label; `times` (phones, 2) float64, start and
    end in seconds, one after another; `seconds`: where the TextGrid ends."""

    symbols: tuple[str, ...]
    times: np.ndarray
    seconds: float


def read_phones(path: Path) -> Phones:
    """The intervals of the tier "phones" (of a recording with named speakers: the only one that ends in " - phones").

    InputError: not a TextGrid, cut short, or without such a tier.
    """
    from praatio.textgrid import IntervalTier

    grid = _open(path)
    names = [name for name in grid.tierNames if name == TIER or name.endswith(f" - {TIER}")]
    if len(names) != 1:
        there = ", ".join(name for name in grid.tierNames if name != _MADE_BY) or "no tier"
        how_many = "no tier" if not names else "more than one tier"
        raise InputError(f"has {how_many} {TIER!r} (but {there}); a forced aligner writes one", path=path)
    tier = grid.getTier(names[0])
    if not isinstance(tier, IntervalTier):
        raise InputError(f"its tier {names[0]!r} holds points, not intervals", path=path)
    if not tier.entries:
        raise InputError(f"its tier {names[0]!r} is empty", path=path)
    last = tier.entries[-1].end
    if tier.maxTimestamp - last > _GAP:
        what = f"its tier {names[0]!r} ends at {last:g} of {tier.maxTimestamp:g} seconds"
        raise InputError(f"is cut short: {what}; make it again", path=path)
    return Phones(
        symbols=tuple(entry.label for entry in tier.entries),
        times=np.array([(entry.start, entry.end) for entry in tier.entries], dtype=np.float64),
        seconds=float(grid.maxTimestamp),
    )


def write_phones(target: Path, phones: Phones, made: Provenance) -> None:
    """Write a TextGrid with the tiers "phones" and "made by", whole or not at all. OutputError: it cannot be."""
    from praatio.textgrid import IntervalTier, Textgrid

    intervals = [(*times, symbol) for times, symbol in zip(phones.times.tolist(), phones.symbols, strict=True)]
    grid = Textgrid(minTimestamp=0.0, maxTimestamp=phones.seconds)
    for name, entries in ((TIER, intervals), (_MADE_BY, [(0.0, phones.seconds, made.comment())])):
        grid.addTier(IntervalTier(name, entries, 0.0, phones.seconds))
    with atomic_path(target, check=read_phones) as temporary:
        grid.save(str(temporary), format="long_textgrid", includeBlankSpaces=True)


def read_made_by(path: Path) -> Provenance:
    """What a TextGrid of these tools was made from. KeyError: it is of others. InputError: see read_phones."""
    grid = _open(path)
    if _MADE_BY not in grid.tierNames:
        raise KeyError(_MADE_BY)
    content: dict[str, Any] = json.loads(grid.getTier(_MADE_BY).entries[0].label)
    return Provenance(content["params"], Source(**content["source"]))


def _open(path: Path):
    from praatio.textgrid import openTextgrid

    try:
        return openTextgrid(str(path), includeEmptyIntervals=True, reportingMode="silence", duplicateNamesMode="rename")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from error
    except UnicodeError as error:
        raise InputError("is neither UTF-8 nor UTF-16 text; save it as one of these", path=path) from error
    except Exception as error:  # of any kind, as its expressions and indices find the text
        empty = os.path.getsize(path) == 0
        raise InputError("is empty (0 bytes)" if empty else "is not a TextGrid, or is damaged", path=path) from error

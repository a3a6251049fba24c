"""Which TextGrid of a folder belongs to which sound: by name, and where names repeat by the folders above them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tk_tools.errors import InputError
from tk_tools.files.find import AUDIO_SUFFIXES, VIDEO_SUFFIXES, find_files, shared_folders, stem_of
from tk_tools.files.textgrid import SUFFIX


@dataclass(frozen=True)
class Matched:
    """of: the TextGrid of each sound that has one; faults: why another has none; unused: TextGrids of no sound."""

    of: dict[Path, Path] = field(default_factory=dict)
    faults: dict[Path, InputError] = field(default_factory=dict)
    unused: list[Path] = field(default_factory=list)


def match_textgrids(sounds: Iterable[Path], folder: Path) -> Matched:
    """Give each sound the NAME.TextGrid below `folder` that has its name and most of its folders, each to one sound.

    InputError: the folder cannot be read or holds no TextGrid.
    """
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for found in find_files(folder, (SUFFIX.lower(),)):
        by_stem[found.path.name[: -len(SUFFIX)]].append(found.path)
    matched = Matched()
    claims: dict[Path, list[tuple[tuple[int, int], Path]]] = defaultdict(list)
    for sound in sounds:
        stem = stem_of(sound, (*AUDIO_SUFFIXES, *VIDEO_SUFFIXES))
        scored = sorted(((_common_folders(sound, grid, folder), grid) for grid in by_stem.get(stem, ())), reverse=True)
        if not scored:
            matched.faults[sound] = InputError(f"has no TextGrid: no {stem}{SUFFIX} in {folder}", path=sound)
        elif len(scored) > 1 and scored[0][0] == scored[1][0]:
            both = f"{scored[1][1]} and {scored[0][1]}"
            matched.faults[sound] = InputError(f"may belong to {both}; keep them in folders as the sounds", path=sound)
        else:
            claims[scored[0][1]].append((scored[0][0], sound))
    for grid, claimed in claims.items():
        best = max(score for score, _ in claimed)
        owners = [sound for score, sound in claimed if score == best]
        for _, sound in claimed:
            if [sound] == owners:
                matched.of[sound] = grid
                continue
            other = next(one for one in owners if one != sound)
            why = (
                f"has no TextGrid of its own: {grid} fits {other} as well or better; keep them in folders as the sounds"
            )
            matched.faults[sound] = InputError(why, path=sound)
    matched.unused.extend(grid for grids in by_stem.values() for grid in grids if grid not in claims)
    return matched


def _common_folders(sound: Path, grid: Path, folder: Path) -> tuple[int, int]:
    """How many folders above the TextGrid, from the last one on, have the names of those above the sound; and how many
    have not, counted negative, so that the larger of two is the better."""
    below = grid.relative_to(folder)
    count = shared_folders(Path(os.path.abspath(sound)), below)
    return count, count - len(below.parts[:-1])

"""Tables -> systems: what several tools said of one clip is joined by its path; systems are paired by clip name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tk_tools.errors import InputError
from tk_tools.files.find import AUDIO_SUFFIXES, VIDEO_SUFFIXES, stem_of
from tk_tools.metrics.measures import COUNTS, MEASURES
from tk_tools.report.rows import TOOL, Row

_SUFFIXES = (*VIDEO_SUFFIXES, *AUDIO_SUFFIXES, ".face.h5", ".frames.h5")


@dataclass
class Clip:
    """What is known of one clip: as Row, with the facts of each tool by itself. tools: which one gave a number, as far
    as the rows say."""

    path: str
    track: int | None
    reference: str | None
    errors: list[str] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)
    facts: list[dict[str, str]] = field(default_factory=list)
    tools: dict[str, str] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The name that the clip has in every system."""
        return with_track(stem_of(Path(self.path), _SUFFIXES), self.track)


def with_track(name: str, track: int | None) -> str:
    """A clip's name or path, and which of its tracks is meant, as tk-eval-lse --curves names it."""
    return name if track is None else f"{name}#{track}"


@dataclass(frozen=True)
class System:
    """Clips, in the order of the tables; one system's results, or simply all of them."""

    name: str
    clips: list[Clip]


def join_tables(tables: Iterable[list[Row]], name: str) -> System:
    """One system of all tables. InputError: two of them measured the same of one clip and found otherwise."""
    clips: dict[str, Clip] = {}
    for table in tables:
        constant = _constant_numbers(table)
        for row in table:
            key = with_track(os.path.normpath(row.path), row.track)
            clip = clips.setdefault(key, Clip(path=row.path, track=row.track, reference=None))
            clip.reference = clip.reference or row.reference
            if row.error and row.error not in clip.errors:
                clip.errors.append(row.error)
            facts = row.facts | {key: f"{row.numbers[key]:g}" for key in constant if key in row.numbers}
            if facts and facts not in clip.facts:
                clip.facts.append(facts)
            for key, value in row.numbers.items():
                if key in constant:
                    continue
                if TOOL in row.facts:
                    clip.tools.setdefault(key, row.facts[TOOL])
                if clip.numbers.setdefault(key, value) != value:
                    if key in COUNTS:  # two tools may count frames in two ways; the first one stands
                        continue
                    found = f"has {key} {clip.numbers[key]:g} in one row, {value:g} in another"
                    raise InputError(f"{found}; --compare sets systems side by side", path=row.path)
    return System(name, list(clips.values()))


def _constant_numbers(table: list[Row]) -> set[str]:
    """Numbers that no tool of the box measures and that are the same in every row: options, such as a rate."""
    if len(table) < 2:
        return set()
    values: dict[str, set[float]] = {}
    for row in table:
        for key, value in row.numbers.items():
            values.setdefault(key, set()).add(value)
    return {key for key, found in values.items() if len(found) == 1 and key not in MEASURES and key not in COUNTS}


def columns_of(systems: Sequence[System]) -> tuple[list[str], list[str]]:
    """The measures and the counts that the systems have, each in the box's order; unknown measures come last."""
    found = {key: None for system in systems for clip in system.clips for key in clip.numbers}
    known = [key for key in MEASURES if key in found]
    unknown = sorted(key for key in found if key not in MEASURES and key not in COUNTS)
    return known + unknown, [key for key in COUNTS if key in found]


def by_stem(system: System) -> dict[str, Clip]:
    """The clips by name. InputError: two have one name."""
    clips: dict[str, Clip] = {}
    for clip in system.clips:
        if clips.setdefault(clip.stem, clip) is not clip:
            raise InputError(
                f"has the name of {clips[clip.stem].path} in one table ({system.name}): clips are paired by name",
                path=clip.path,
            )
    return clips


def make_systems(groups: Sequence[tuple[str, list[list[Row]]]], names: Sequence[str] = ()) -> list[System]:
    """A system of each group of tables. `names` are theirs in order; without one, what the group suggests (its file),
    the folder of its clips, or a letter. InputError: as join_tables."""
    systems = [join_tables(tables, suggested) for suggested, tables in groups]
    suggested = [system.name or Path(common_folder(system.clips)).name for system in systems]
    found: list[System] = []
    for index, (system, name) in enumerate(zip(systems, suggested, strict=True)):
        if index < len(names):
            name = names[index]
        elif not name or suggested.count(name) > 1 or name in names:
            name = _letter(index)
        found.append(System(name, system.clips))
    return found


def _letter(index: int) -> str:
    return chr(ord("A") + index) if index < 26 else f"system {index + 1}"


def common_folder(clips: Iterable[Clip]) -> str:
    """The folder that all clips lie in, "" where there is none."""
    folders = {os.path.dirname(os.path.normpath(clip.path)) for clip in clips}
    if len({os.path.isabs(folder) for folder in folders}) != 1:
        return ""
    return os.path.commonpath(folders)

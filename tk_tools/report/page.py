"""The page: OUT/index.html, one file with style, script, numbers and pictures in it, that opens from disk."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tk_tools import __version__
from tk_tools.errors import ConfigError, InputError, TkError
from tk_tools.files.atomic import atomic_path
from tk_tools.files.sync_file import SyncFile
from tk_tools.metrics.measures import COUNTS, measure_named
from tk_tools.report.media import Media, choose_media, shown
from tk_tools.report.methods import clashes_in_words, methods_of, tool_first
from tk_tools.report.numbers import (
    Comparison,
    compare,
    summaries_of,
    too_few_pairs,
    worst_difference_first,
    worst_first,
)
from tk_tools.report.systems import Clip, System, by_stem, columns_of, common_folder, with_track

PAGE = "index.html"
MARK = '<meta name="generator" content="tk-report'
_MARK_WITHIN = 400  # bytes from the beginning of a page
_ROOM = Path(__file__).parent


@dataclass(frozen=True)
class ReportOptions:
    """title: of the page. compare: set the systems side by side. by: the measure that says which clips are worst, None:
    the first that the systems have. details: how many of them get pictures. embed: MB of media that the page may hold.
    """

    title: str = "Measurements"
    compare: bool = False
    by: str | None = None
    details: int = 10
    embed: float = 8.0


@dataclass(frozen=True)
class Made:
    """What became of a report: `clips` and those of them that `failed`; media files that are `missing`."""

    path: Path
    clips: int
    failed: int
    missing: list[str]
    linked: bool


def check_target(folder: Path) -> Path:
    """The path of the page in a folder. InputError: a file of the user stands there."""
    target = folder / PAGE
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file; name a folder for the report", path=folder)
    if target.exists():
        try:
            with open(target, "rb") as file:
                ours = MARK.encode() in file.read(_MARK_WITHIN)
        except OSError:
            ours = False
        if not ours:
            raise InputError("is there already and not made by tk-report; move it or name another folder", path=target)
    return target


def make_page(
    folder: Path,
    systems: Sequence[System],
    options: ReportOptions = ReportOptions(),
    *,
    curves: Iterable[Path] = (),
    told: Callable[[str], None] = lambda message: None,
    progress: Callable[[str], None] = lambda message: None,
) -> Made:
    """Write the report of one system, or of several that are compared, into `folder`.

    curves: files of tk-eval-lse --curves. told: takes what could not be drawn or was not measured alike; progress:
    where the work stands.
    InputError: a file of the user stands in the page's place, or a system that is compared has two clips of one name.
    ConfigError: options.by is no measure of the rows. OutputError: the folder or the disk does not take the page.
    """
    target = check_target(folder)
    measures, counts = columns_of(systems)
    by = _chosen_measure(options.by, measures)
    named = [by_stem(system) for system in systems] if options.compare else []
    comparisons = compare(named[0], named[1:], measures) if options.compare else []
    names = [shown(system.name) for system in systems]
    methods = methods_of(systems)
    if clashes := clashes_in_words(methods, names):
        told(f"the rows were not measured alike: {clashes}; {'differences' if options.compare else 'means'} mislead")
    every = [clip for system in systems for clip in system.clips]
    paths = [path for clip in every for path in (clip.path, clip.reference) if path]
    media = choose_media(folder, paths, options.embed)
    files = _Files(media, curves)
    rows = _compared_rows(named) if options.compare else _rows(systems[0])
    facts = _Facts()
    clips = [
        {"name": name, "in": [clip and _entry(clip, files, facts, measures + counts) for clip in entries]}
        for name, entries in rows
    ]
    wanted = _with_pictures(systems, named, by, options.details)
    for number, clip in enumerate(wanted, start=1):
        progress(f"pictures of clip {number} of {len(wanted)}")
        files.draw(clip.path, told, clip.track)
        if clip.reference:
            files.draw(clip.reference, told)
    data = {
        "mode": "compare" if options.compare else "report",
        "systems": names,
        "columns": [_column(key, every) for key in measures + counts],
        "measures": len(measures),
        "by": by,
        "clips": clips,
        "files": files.found,
        "facts": facts.found,
    }
    text = _render(
        title=shown(options.title),
        systems=names,
        data=data,
        embedded=_embedded(data),
        cards=list(zip(data["columns"], summaries_of(systems, measures).values(), strict=False)),
        comparisons=[_told(comparison, data["columns"]) for comparison in comparisons],
        too_few=too_few_pairs(comparisons),
        untested=[column["title"] for column in data["columns"][: len(measures)] if column["better"] is None],
        reach={key: _reach(comparisons, key) for key in measures},
        alone=_alone(named, systems),
        failures=[
            (shown(system.name), shown(with_track(clip.path, clip.track)), [shown(error) for error in clip.errors])
            for system in systems
            for clip in system.clips
            if clip.errors
        ],
        methods=methods,
        folder=shown(common_folder(every)) if not options.compare else "",
        drawn=sum(files.is_drawn(clip.path, clip.track) for clip in wanted),
    )
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8")
    missing = [item["name"] for item in files.found if item["source"] is None and not os.path.isdir(item["name"])]
    failed = sum(bool(clip.errors) for clip in every)
    linked = not media.embed and any(item["source"] for item in files.found)
    return Made(target, clips=len(every), failed=failed, missing=missing, linked=linked)


def _chosen_measure(by: str | None, measures: list[str]) -> str | None:
    if by is None:
        return measures[0] if measures else None
    if by not in measures:
        raise ConfigError(f"--by {by}: no such measure in the rows; they have {', '.join(measures) or 'none'}")
    return by


def _rows(system: System) -> list[tuple[str, list[Clip | None]]]:
    folder = common_folder(system.clips)
    names = (os.path.relpath(clip.path, folder) if folder else clip.path for clip in system.clips)
    return [(shown(with_track(name, clip.track)), [clip]) for name, clip in zip(names, system.clips, strict=True)]


def _compared_rows(named: Sequence[dict[str, Clip]]) -> list[tuple[str, list[Clip | None]]]:
    names = dict.fromkeys(name for clips in named for name in clips)
    return [(shown(name), [clips.get(name) for clips in named]) for name in names]


def _alone(named: Sequence[dict[str, Clip]], systems: Sequence[System]) -> list[tuple[str, list[str]]]:
    """The clips that not all systems have, by system."""
    if not named:
        return []
    everywhere = set.intersection(*(set(clips) for clips in named))
    return [
        (shown(system.name), [shown(name) for name in clips if name not in everywhere])
        for system, clips in zip(systems, named, strict=True)
        if clips.keys() - everywhere
    ]


def _with_pictures(
    systems: Sequence[System], named: Sequence[dict[str, Clip]], by: str | None, count: int
) -> list[Clip]:
    if by is None:
        return systems[0].clips[:count]
    if not named:
        return worst_first(systems[0].clips, by)[:count]
    names = dict.fromkeys(name for other in named[1:] for name in worst_difference_first(named[0], other, by)[:count])
    return [clips[name] for name in names for clips in named if name in clips]


class _Files:
    """The files that rows name, each once: what refers to it, its pictures and its sync curve."""

    def __init__(self, media: Media, curves: Iterable[Path]):
        self._media = media
        self._places: dict[str, int] = {}
        self.found: list[dict[str, Any]] = []
        self._curves: dict[str, dict[str, Any]] = {}
        for path in curves:
            with SyncFile(path) as file:
                for name, curve in zip(file.paths, file.curve, strict=True):
                    self._curves[os.path.normpath(name)] = _curve(file.offset, curve)

    def place(self, path: str, track: int | None = None) -> int:
        key = with_track(os.path.normpath(path), track)
        if key not in self._places:
            self._places[key] = len(self.found)
            self.found.append(self._media.refer(path) | {"curve": self._curves.get(key)})
        return self._places[key]

    def is_drawn(self, path: str, track: int | None = None) -> bool:
        return not {"sheet", "mel"}.isdisjoint(self.found[self.place(path, track)])

    def draw(self, path: str, told: Callable[[str], None], track: int | None = None) -> None:
        from tk_tools.report.pictures import clip_pictures

        item = self.found[self.place(path, track)]
        if item["source"] is None or self.is_drawn(path, track):
            return
        try:
            item |= clip_pictures(Path(path))
        except TkError as error:
            told(f"no pictures of it: {error}")


def _curve(offset, values) -> dict[str, Any]:
    """The mean distance at each offset, from the lowest offset on."""
    order = offset.argsort()
    numbers = [float(f"{value:.4g}") if math.isfinite(value) else None for value in values[order].tolist()]
    return {"from": int(offset.min()), "values": numbers}


class _Facts:
    """Sets of facts, each once: thousands of rows were measured in the same way."""

    def __init__(self):
        self._places: dict[tuple, int] = {}
        self.found: list[list[tuple[str, str]]] = []

    def place(self, facts: dict[str, str]) -> int:
        named = ((shown(key.replace("_", " ")), shown(value)) for key, value in facts.items())
        pairs = tuple(sorted(named, key=tool_first))
        if pairs not in self._places:
            self._places[pairs] = len(self.found)
            self.found.append(list(pairs))
        return self._places[pairs]


def _entry(clip: Clip, files: _Files, facts: _Facts, keys: list[str]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "file": files.place(clip.path, clip.track),
        "values": [None if (value := clip.numbers.get(key)) is None else float(f"{value:.6g}") for key in keys],
        "facts": [facts.place(one) for one in clip.facts],
    }
    if clip.reference:
        entry["reference"] = files.place(clip.reference)
    if clip.errors:
        entry["errors"] = [shown(error) for error in clip.errors]
    return entry


def _column(key: str, clips: list[Clip]) -> dict[str, Any]:
    """A column of numbers, as the page needs it; digits: behind the point, so that four say something."""
    measure = measure_named(key)
    values = [abs(clip.numbers[key]) for clip in clips if key in clip.numbers]
    whole = all(value == int(value) for value in values)
    digits = 0 if whole else max(0, min(6, 3 - math.floor(math.log10(max(values) or 1))))
    title = key.replace("_", " ") if measure.title == key else measure.title
    title = title.capitalize() if key in COUNTS else title
    return {
        "key": key,
        "title": shown(title),
        "better": measure.better,
        "meaning": measure.meaning,
        "digits": digits,
    }


def _told(comparison: Comparison, columns: list[dict[str, Any]]) -> tuple[Comparison, dict[str, Any]]:
    return comparison, next(column for column in columns if column["key"] == comparison.key)


def _reach(comparisons: list[Comparison], key: str) -> float:
    """How far the intervals of a measure's differences reach from zero, over the systems."""
    ends = [
        abs(end)
        for one in comparisons
        if one.key == key
        for end in (one.difference.low, one.difference.high, one.difference.value)
        if end is not None
    ]
    return max(ends, default=0.0)


def _embedded(data: dict[str, Any]) -> str:
    """JSON that no name in it can end early: no <, > or & is left."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _render(*, embedded: str, **values: Any) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_ROOM), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": _number, "p": _p, "direction": _direction_in_words}
    return environment.get_template("page.html").render(
        embedded=Markup(embedded),
        style=Markup((_ROOM / "page.css").read_text(encoding="utf-8")),
        script=Markup((_ROOM / "page.js").read_text(encoding="utf-8")),
        version=__version__,
        **values,
    )


def _number(value: float, digits: int) -> str:
    """With a true minus sign; never -0."""
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}") if round(value, digits) else f"{0:.{digits}f}"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _direction_in_words(better: Any) -> str:
    if better in ("more", "less"):
        return {"more": "\N{UPWARDS ARROW} more is better", "less": "\N{DOWNWARDS ARROW} less is better"}[better]
    return "" if better is None else f"\N{RIGHTWARDS ARROW} {better:g} is best"

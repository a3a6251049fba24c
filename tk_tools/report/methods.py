"""How each tool measured the systems: what all its rows share, and what sets measurements apart that are compared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tk_tools.metrics.measures import COUNTS
from tk_tools.report.media import shown
from tk_tools.report.rows import NONE, PROTOCOL, TOOL
from tk_tools.report.systems import System

_NOT_STATED = "not stated"
_MOST_VALUES = 4  # of one fact that are named
_VERSION = re.compile(r"\s+v?\d\S*$")
_WHOLE = (TOOL, "identity_network", PROTOCOL)
"""Facts that must be the same in all rows of a tool, beside each part of the protocol; others are of the clip."""


@dataclass(frozen=True)
class Fact:
    """Something that not all rows of a tool say alike. values: of each system, none where it says nothing of it."""

    key: str
    values: list[list[str]]

    @property
    def name(self) -> str:
        """What it is called, for people."""
        return _named(self.key)

    @property
    def said(self) -> list[tuple[int, str]]:
        """What each system that says something of it says, for people, with the system's place."""
        return [(index, _listed(values)) for index, values in enumerate(self.values) if values]

    @property
    def clashes(self) -> bool:
        """Whether numbers rest on different values; what was not used at all ("none") gave no numbers."""
        return len({_alike(value) for values in self.values for value in values} - {NONE}) > 1


@dataclass(frozen=True)
class Method:
    """How one tool measured. tool: its name without the version, "" where rows have none.

    common: what all its rows say; apart: what they have to say alike and do not.
    """

    tool: str
    common: list[tuple[str, str]]
    apart: list[Fact]

    @property
    def clashes(self) -> list[Fact]:
        """Those facts for which the measurements are not alike."""
        return [fact for fact in self.apart if fact.clashes]


def methods_of(systems: Sequence[System]) -> list[Method]:
    """The methods of all tools, in order of appearance."""
    by_tool: dict[str, list[dict[tuple, dict[str, str]]]] = {}
    for index, system in enumerate(systems):
        for facts in (facts for clip in system.clips for facts in clip.facts):
            tool = _name_of(facts.get(TOOL, ""))
            by_tool.setdefault(tool, [{} for _ in systems])[index].setdefault(tuple(sorted(facts.items())), facts)
    found = [_method(tool, [list(table.values()) for table in tables]) for tool, tables in by_tool.items()]
    several = _measured_by_several(systems)
    return [*found, Method("", [], several)] if several else found


def clashes_in_words(methods: Iterable[Method], names: Sequence[str]) -> str:
    """What differs between the rows of systems with these names, and how; "" where all were measured alike."""
    told = []
    for method in methods:
        for fact in method.clashes:
            values = [f"{names[index]}: {said}" if len(names) > 1 else said for index, said in fact.said]
            told.append(" ".join(filter(None, (shown(method.tool), fact.name, f"({'; '.join(values)})"))))
    return ", ".join(told)


def tool_first(fact: tuple[str, str]) -> tuple[bool, tuple[str, str]]:
    """What facts are sorted by."""
    return fact[0] != TOOL, fact


def _method(tool: str, tables: list[list[dict[str, str]]]) -> Method:
    every = [facts for table in tables for facts in table]
    common = dict(set.intersection(*(set(facts.items()) for facts in every)))
    apart = []
    for key in dict.fromkeys(key for facts in every for key in facts if _is_whole(key)):
        values = [_values(key, table) for table in tables]
        present = [{_alike(value) for value in found} for found, table in zip(values, tables, strict=True) if table]
        if len(present[0]) == 1 and all(found == present[0] for found in present):
            common[key] = next(found[0] for found in values if found)
        else:
            apart.append(Fact(key, values))
    pairs = sorted(((_named(key), shown(value)) for key, value in common.items()), key=tool_first)
    return Method(tool, pairs, sorted(apart, key=lambda fact: tool_first((fact.key, ""))))


def _measured_by_several(systems: Sequence[System]) -> list[Fact]:
    """The measures that more than one tool took; those of the same tools are one fact."""
    by_measure: dict[str, list[dict[str, None]]] = {}
    for index, system in enumerate(systems):
        for clip in system.clips:
            for key, tool in clip.tools.items():
                if key not in COUNTS:
                    by_measure.setdefault(key, [{} for _ in systems])[index][_name_of(tool)] = None
    alike: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    for key, tools in by_measure.items():
        alike.setdefault(tuple(map(tuple, tools)), []).append(key)
    facts = [Fact(f"tool of {', '.join(keys)}", [list(names) for names in tools]) for tools, keys in alike.items()]
    return [fact for fact in facts if fact.clashes]


def _name_of(tool: str) -> str:
    return _VERSION.sub("", tool)


def _named(key: str) -> str:
    return shown(key.removeprefix(f"{PROTOCOL} ").replace("_", " "))


def _is_whole(key: str) -> bool:
    return key in _WHOLE or key.startswith(f"{PROTOCOL} ")


def _values(key: str, table: list[dict[str, str]]) -> list[str]:
    """The values of a fact in order of appearance. Rows that tell their protocol without it count: another program."""
    found: dict[str, str] = {}
    expected = key.startswith(f"{PROTOCOL} ") and key.count(" ") == 1  # further inside stands only what was used
    for facts in table:
        value = facts.get(key)
        if value is None and expected and any(name.split(" ")[0] == PROTOCOL for name in facts):
            within = any(name.startswith(f"{key} ") for name in facts)
            value = None if within else _NOT_STATED
        if value is not None:
            found.setdefault(_alike(value), value)
    return list(found.values())


def _alike(value: str) -> str:
    """A value as TSV has it, whose protocol holds no spaces."""
    return value.replace(" ", "-")


def _listed(values: list[str]) -> str:
    more = len(values) - _MOST_VALUES
    return ", ".join(map(shown, values[:_MOST_VALUES])) + (f" and {more} more" if more > 0 else "")

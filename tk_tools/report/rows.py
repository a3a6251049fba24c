r"""Rows that tk-eval-* printed, read strictly: TSV (a header line begins a table) or NDJSON, from a file or a stream.

In TSV a backslash, a tab and a line break in a cell are \\, \t and \n, as cli/_output writes them. Names that are not
UTF-8 are kept byte by byte.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from tk_tools.errors import InputError
from tk_tools.metrics.measures import COUNTS, MEASURES

TABLE_SUFFIXES = (".tsv", ".ndjson", ".jsonl")
TOOL, PROTOCOL = "tool", "protocol"
NONE = "none"  # what a protocol says of something that was not used
_PATH, _TRACK, _REFERENCE, _ERROR = "path", "track", "reference", "error"
_ESCAPES = {"\\\\": "\\", "\\t": "\t", "\\n": "\n"}
_ESCAPE = re.compile(r"\\.?", re.DOTALL)
_NUMBERS = {*MEASURES, *COUNTS}
_PARTS = re.compile(r"([^=]+)=([^=-]*)(?:-|$)")  # of a dict inside a protocol, as TSV has it: a=1-b=2


@dataclass(frozen=True)
class Row:
    """One clip as one tool saw it.

    track: which of its faces, where a clip has a row for each (tk-eval-lse --published-tracks). reference: the file it
    was compared with; error: why it could not be measured; numbers: what was measured, finite; facts: everything else
    that the row says (tool, protocol, options), as text.
    """

    path: str
    track: int | None = None
    reference: str | None = None
    error: str | None = None
    numbers: dict[str, float] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)


def read_tables(stream: BinaryIO, name: str) -> list[list[Row]]:
    """The tables of a stream, none empty: NDJSON is one table, in TSV every header line begins another.

    An empty stream has none. name: of the stream, for messages. InputError: a line is no such row, or headers are all
    that there is.
    """
    lines = _lines(stream)
    first = next(lines, None)
    if first is None:
        return []
    begins_as_json = first[1].lstrip().startswith("{")
    rows = _chain(first, lines)
    tables = [list(_json_rows(rows, name))] if begins_as_json else _tsv_tables(rows, name)
    tables = [table for table in tables if table]
    if not tables:
        raise InputError("holds a header and no row", path=name)
    return tables


def read_table_file(path: Path) -> list[list[Row]]:
    """The tables of a file, as read_tables. InputError: also where it cannot be read, or is empty."""
    try:
        with open(path, "rb") as file:
            tables = read_tables(file, str(path))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from error
    if not tables:
        raise InputError("is empty: no rows of measurements", path=path)
    return tables


def _lines(stream: BinaryIO) -> Iterator[tuple[int, str]]:
    ends_in_return = False
    for number, line in enumerate(stream, start=1):
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
            ends_in_return = line.endswith(b"\r\n")  # else a return at the end belongs to a name
        text = line.removesuffix(b"\n").removesuffix(b"\r" if ends_in_return else b"")
        if text.strip():
            yield number, text.decode("utf-8", "surrogateescape")


def _chain(first: tuple[int, str], rest: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield first
    yield from rest


def _json_rows(lines: Iterable[tuple[int, str]], name: str) -> Iterator[Row]:
    for number, line in lines:
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict) or not isinstance(values.get(_PATH), str) or not values[_PATH]:
            raise InputError(f'line {number} is not NDJSON with a "path", as tk-eval-* --json prints it', path=name)
        yield _row(values, number, name)


def _row(values: dict[str, Any], number: int, name: str) -> Row:
    numbers: dict[str, float] = {}
    facts: dict[str, str] = {}
    for key, value in values.items():
        if key in (_PATH, _REFERENCE, _ERROR) or value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            if key in _NUMBERS:
                raise InputError(f"line {number}: {key} is {value!r}, not a number", path=name)
            facts |= _flat(key, _protocol(value) if key == PROTOCOL and isinstance(value, str) else value)
        elif (number_found := _finite(value)) is not None:
            numbers[key] = number_found
    track = numbers.pop(_TRACK, None)
    return Row(
        path=_plain(values[_PATH]),
        track=None if track is None else int(track),
        reference=_text_or_none(values.get(_REFERENCE)),
        error=_text_or_none(values.get(_ERROR)),
        numbers=numbers,
        facts=facts,
    )


def _finite(value: float) -> float | None:
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # an integer that no float holds
        return None


def _flat(key: str, value: Any) -> dict[str, str]:
    if isinstance(value, dict) and (value or not key.startswith(PROTOCOL)):
        return {name: text for part, inner in value.items() for name, text in _flat(f"{key} {part}", inner).items()}
    if value is None or value == {}:
        return {key: NONE}
    if isinstance(value, float):
        return {key: f"{value:.6g}"}  # as TSV has it
    return {key: _plain(value if isinstance(value, str) else json.dumps(value, sort_keys=True))}


def _protocol(text: str) -> dict[str, Any] | str:
    """The protocol of a TSV row (k=v k=v) as NDJSON has it, its values as text; the text where it is no such thing."""
    parts = [part.partition("=") for part in text.split(" ")]
    if not all(name and sign for name, sign, _ in parts):
        return text
    return {name: _protocol_value(value) for name, _, value in parts}


def _protocol_value(text: str) -> Any:
    if text in ("", "True", "False"):
        return {"": None, "True": True, "False": False}[text]
    inner = _PARTS.findall(text)
    return dict(inner) if "-".join("=".join(pair) for pair in inner) == text else text


def _plain(text: str) -> str:
    """The text; half a pair of surrogates that stands for no byte of a name, which JSON may hold, as its bytes."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape") if _is_odd(text) else text


def _is_odd(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" and not "\udc80" <= letter <= "\udcff" for letter in text)


def _text_or_none(value: Any) -> str | None:
    return None if value in (None, "") else _plain(str(value))


def _tsv_tables(lines: Iterable[tuple[int, str]], name: str) -> list[list[Row]]:
    tables: list[tuple[list[str], list[tuple[int, list[str]]]]] = []
    for number, line in lines:
        cells = [_unescaped(cell, number, name) for cell in line.split("\t")]
        if cells[0] == _PATH:
            if len(set(cells)) != len(cells) or not all(cells):
                raise InputError(f"line {number}: a column of the header has no name of its own", path=name)
            tables.append((cells, []))
        elif not tables:
            raise InputError(
                "does not begin with a table: the first line is neither NDJSON nor a header whose first column is "
                "path, as tk-eval-* prints them",
                path=name,
            )
        elif len(cells) != len(tables[-1][0]):
            raise InputError(f"line {number} has {len(cells)} cells, its header {len(tables[-1][0])}", path=name)
        elif not cells[0]:
            raise InputError(f"line {number} has no path", path=name)
        else:
            tables[-1][1].append((number, cells))
    return [_typed(columns, rows, name) for columns, rows in tables]


def _unescaped(cell: str, number: int, name: str) -> str:
    if "\\" not in cell:
        return cell

    def letter(match: re.Match) -> str:
        try:
            return _ESCAPES[match[0]]
        except KeyError:
            raise InputError(
                f"line {number}: {match[0]} is no escape; a backslash is written twice", path=name
            ) from None

    return _ESCAPE.sub(letter, cell)


def _typed(columns: list[str], rows: list[tuple[int, list[str]]], name: str) -> list[Row]:
    """A column whose filled cells are all numbers is one of numbers."""
    numeric = {
        column
        for index, column in enumerate(columns)
        if column not in (_PATH, _REFERENCE, _ERROR)
        and (column in _NUMBERS or _all_numbers(cells[index] for _, cells in rows))
    }
    found = []
    for number, cells in rows:
        values: dict[str, Any] = {}
        for column, cell in zip(columns, cells, strict=True):
            if cell:
                value = _number(cell) if column in numeric else None
                values[column] = cell if value is None else value
        found.append(_row(values, number, name))
    return found


def _all_numbers(cells: Iterable[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(_number(cell) is not None for cell in filled)


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None

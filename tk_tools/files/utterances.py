"""What is to be said, an utterance on each line: of a text the line itself, of a list of recordings PATH|TEXT|SPEAKER.

The form of StyleTTS 2's lists, whose texts are phonemes; lists of words and of phonemes are read alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tk_tools.errors import InputError

FIRST_SPEAKER = "0"  # of a list that names none
_FORM = "a line of a list is PATH|TEXT or PATH|TEXT|SPEAKER"


class Utterance(NamedTuple):
    """text: words or phonemes. line: its number, from 1. Of a list: the path of the recording as written, and who
    speaks."""

    line: int
    text: str
    recording: str | None = None
    speaker: str | None = None

    def __str__(self) -> str:
        return self.text if self.recording is None else f"{self.recording}|{self.text}|{self.speaker}"


def read_utterances(
    path: Path, *, skip: bytes | None = None, failed: Callable[[InputError], None] | None = None
) -> Iterator[Utterance]:
    """The utterances of a file, one after another, without empty lines and a first one that begins with `skip`.

    A file is a list when half of its lines or more have a bar; in a text bars are left as they are. failed: is told of
    lines that are faulty, which are then passed over. InputError: it cannot be read, is empty, or, without `failed`, a
    line is not UTF-8 or, of a list, lacks a field; with the line's number.
    """
    barred = sum((b"|" in line) * 2 - 1 for _, line in _lines(path, skip))
    columns = 0
    count = 0
    for number, line in _lines(path, skip):
        count += 1
        try:
            text = _decoded(line, number, path)
            if barred < 0:
                yield Utterance(number, text)
                continue
            fields = [field.strip() for field in text.split("|")]
            _check_fields(fields, columns, number, path)
        except InputError as error:
            if failed is None:
                raise
            failed(error)
            continue
        columns = len(fields)
        yield Utterance(number, fields[1], fields[0], fields[2] if columns == 3 else FIRST_SPEAKER)
    if count == 0:
        raise InputError("is empty (0 bytes)" if path.stat().st_size == 0 else "holds no text", path=path)


def _lines(path: Path, skip: bytes | None) -> Iterator[tuple[int, bytes]]:
    """The lines that are not empty, with their numbers."""
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, start=1):
                if number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                    if skip is not None and line.startswith(skip):
                        continue
                if line := line.strip():
                    yield number, line
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from error


def _decoded(line: bytes, number: int, path: Path) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"line {number} is not UTF-8 text; save it as such", path=path) from error


def _check_fields(fields: list[str], columns: int, number: int, path: Path) -> None:
    if len(fields) not in (2, 3):
        has = "one field" if len(fields) == 1 else f"{len(fields)} fields"
        raise InputError(f"line {number} has {has}; {_FORM}", path=path)
    if columns and len(fields) != columns:
        raise InputError(f"line {number} has {len(fields)} fields, and those before have {columns}; {_FORM}", path=path)
    for name, field in zip(("path", "text", "speaker"), fields, strict=False):
        if not field:
            raise InputError(f"line {number} has no {name}; {_FORM}", path=path)
    if len(fields) == 3 and " " in fields[2]:
        what = f"line {number}: a speaker is one word, not {fields[2][:20]!r}"
        raise InputError(f"{what}; of LJSpeech's metadata.csv take cut -d'|' -f1,3", path=path)

"""From operands to files: folders searched in sorted order, lists read as a stream, and where each result goes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tk_tools.errors import InputError

VIDEO_SUFFIXES = (
    ".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts",
    ".flv", ".wmv", ".3gp", ".ogv", ".mxf",
)  # fmt: skip
AUDIO_SUFFIXES = (
    ".wav",
    ".mp3",
    ".flac",
    ".ogg",
    ".oga",
    ".opus",
    ".m4a",
    ".aac",
    ".wma",
    ".aiff",
    ".aif",
    ".w64",
    ".caf",
)
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class Found:
    """A file to read, and the folder below which it was found (a file named by itself: none).

    files: where those of a folder make one result, `path` is that folder.
    """

    path: Path
    below: Path | None = None
    files: tuple[Path, ...] = ()


def find_files(operand: Path, suffixes: tuple[str, ...]) -> Iterator[Found]:
    """The operand itself, or every file below it with one of the suffixes, sorted, hidden ones left out.

    InputError: the operand does not exist, a folder cannot be read, or holds nothing of the kind.
    """
    if not operand.is_dir():
        yield Found(operand)
        return
    count = 0
    for folder, folders, names in os.walk(operand, onerror=_unreadable, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and not _leads_back(folder, name))
        for name in sorted(names):
            if not name.startswith(".") and name.lower().endswith(suffixes):
                count += 1
                yield Found(Path(folder, name), below=operand)
    if count == 0:
        raise InputError(f"holds no file of the kinds {' '.join(suffixes)}", path=operand)


def by_folder(found: Iterable[Found]) -> Iterator[Found]:
    """The folders that files lie in, each once, with its files in their order. All of `found` is read first."""
    folders: dict[str, list[Found]] = {}
    for item in found:
        folders.setdefault(os.path.abspath(item.path.parent), []).append(item)
    for place, items in folders.items():
        folder, below = items[0].path.parent, items[0].below
        if folder == below:
            below = None
        if folder.name in ("", ".."):
            folder = Path(place)
        yield Found(folder, below=below, files=tuple(item.path for item in items))


def _leads_back(folder: str, name: str) -> bool:
    """Whether a folder is a link to one that it lies in: following it would never end."""
    path = os.path.join(folder, name)
    return os.path.islink(path) and Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(path))


def _unreadable(error: OSError) -> None:
    raise InputError(f"cannot be read: {error.strerror}", path=error.filename)


def read_paths(stream: BinaryIO, *, null: bool = False) -> Iterator[Path]:
    """Paths from a stream, as they come: one a line (or NUL-separated), or the "path" of an NDJSON line.

    InputError: an NDJSON line without a path.
    """
    separator = b"\0" if null else b"\n"
    for number, line in enumerate(_split(stream, separator), start=1):
        text = line if null else line.rstrip(b"\r")
        if not text:
            continue
        if not null and text.startswith(b"{"):
            try:
                text = os.fsencode(json.loads(text)["path"])
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(f'line {number} of standard input is not NDJSON with a "path"') from error
        yield Path(os.fsdecode(text))


def _split(stream: BinaryIO, separator: bytes) -> Iterator[bytes]:
    rest = b""
    source = getattr(stream, "raw", stream)  # gives what is there, and holds no lock while it waits
    while block := source.read(1 << 16):
        *whole, rest = (rest + block).split(separator)
        yield from whole
    if rest:
        yield rest


def stem_of(path: Path, suffixes: tuple[str, ...]) -> str:
    """The clip's name: the file name without the suffix of its kind, and never cut at another dot."""
    lower = path.name.lower()
    longest = max((suffix for suffix in suffixes if lower.endswith(suffix)), key=len, default=path.suffix)
    return path.name[: len(path.name) - len(longest)] or path.name


def shared_folders(one: Path, other: Path) -> int:
    """How many folders above two files have the same names, counted from the files."""
    count = 0
    for mine, its in zip(reversed(one.parts[:-1]), reversed(other.parts[:-1]), strict=False):
        if mine != its:
            return count
        count += 1
    return count


class Targets:
    """Where each result goes: below `folder`, the sub-folders of a searched folder kept.

    Files named one by one go straight into the folder; when two of them have one name, the later one keeps as many of
    its own folders as tell it apart. The same inputs in the same order give the same names. `stem`: the name of an
    input's result without `suffix`; by default that of stem_of.
    """

    def __init__(self, folder: Path, reads: tuple[str, ...], suffix: str, stem: Callable[[Path], str] | None = None):
        self._folder, self._suffix = Path(folder), suffix
        self._stem = stem or (lambda path: stem_of(path, reads))
        self._taken: dict[int, int] = {}

    def target(self, found: Found) -> Path:
        """The path of the result of one input."""
        name = self._stem(found.path) + self._suffix
        folders = found.path.parent.relative_to(found.below).parts if found.below else ()
        own = _plain_folders(found.path.parent)
        source = hash(os.path.abspath(found.path))
        for depth in range(len(own) + 1):
            parts = folders if depth == 0 else (*own[len(own) - depth :],)
            target = self._folder.joinpath(*parts, name)
            if self._taken.setdefault(hash(target), source) == source:
                return target
        raise InputError("is named more than once under one output name; give its folder instead", path=found.path)


def _plain_folders(folder: Path) -> tuple[str, ...]:
    return tuple(part for part in Path(os.path.abspath(folder)).parts if part not in ("/", "..", "."))


def shard(items: Iterable, index: int, count: int) -> Iterator:
    """Every `count`-th item, beginning with number `index` (from 1): the shards 1/N ... N/N together are the whole."""
    for position, item in enumerate(items):
        if position % count == index - 1:
            yield item

"""Which real file a made one is to be compared with."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from tk_tools.errors import InputError
from tk_tools.files.find import find_files, stem_of


class References(Protocol):
    """Where the reference of a made file is known."""

    def of(self, path: Path) -> Path:
        """The reference of a made file. InputError: there is none."""

    def make_absolute(self) -> None:
        """Give absolute paths from now on, for processes that work elsewhere."""


class OneReference:
    """The same file for all."""

    def __init__(self, path: Path):
        self._path = path

    def of(self, path: Path) -> Path:
        return self._path

    def make_absolute(self) -> None:
        self._path = self._path.absolute()


class ReferencesByName:
    """The files below a folder, by stem. InputError: it holds none of the kind, or two of one stem."""

    def __init__(self, folder: Path, suffixes: tuple[str, ...]):
        self._folder, self._suffixes = folder, suffixes
        self._paths: dict[str, Path] = {}
        for found in find_files(folder, suffixes):
            stem = stem_of(found.path, suffixes)
            other = self._paths.setdefault(stem, found.path)
            if other != found.path:
                raise InputError(f"has the name of {other}: which is the reference of {stem}?", path=found.path)

    def of(self, path: Path) -> Path:
        stem = stem_of(path, self._suffixes)
        if stem not in self._paths:
            raise InputError(f"has no reference: no {stem}.* in {self._folder}", path=path)
        return self._paths[stem]

    def has_any(self, paths: Iterable[Path]) -> bool:
        """Whether one of the made files has a reference here."""
        return any(stem_of(path, self._suffixes) in self._paths for path in paths)

    def make_absolute(self) -> None:
        self._paths = {stem: path.absolute() for stem, path in self._paths.items()}


class ReferencesByList:
    """Pairs out of a file with MADE, a tab and REFERENCE on each line; `made` are the first of each.

    InputError: it cannot be read, has no pair, or a line is none.
    """

    def __init__(self, path: Path):
        self._list = path
        self.made: list[Path] = []
        self._paths: dict[str, Path] = {}
        try:
            text = path.read_bytes().removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", path=path) from error
        for number, line in enumerate(text.split("\n"), start=1):
            line = line.removesuffix("\r")
            if not line.strip():
                continue
            made, tab, reference = line.partition("\t")
            if not (made and tab and reference):
                raise InputError(f"line {number} is not MADE, a tab and REFERENCE", path=path)
            key = os.path.abspath(made)
            if self._paths.setdefault(key, Path(reference)) != Path(reference):
                raise InputError(f"line {number} has another reference for {made} than a line before", path=path)
            self.made.append(Path(made))
        if not self.made:
            raise InputError("holds no pair", path=path)

    def of(self, path: Path) -> Path:
        reference = self._paths.get(os.path.abspath(path))
        if reference is None:
            raise InputError(f"has no reference in {self._list}", path=path)
        return reference

    def make_absolute(self) -> None:
        self._paths = {made: path.absolute() for made, path in self._paths.items()}


def check_apart(made: Iterable[Path], real: Iterable[Path]) -> None:
    """InputError: a file is in both sets, so that their distance would say nothing."""
    known = {path.resolve() for path in real}
    for path in made:
        if path.resolve() in known:
            raise InputError("is among the made videos and among the real ones", path=path)


def find_references(place: Path, suffixes: tuple[str, ...]) -> References:
    """Those of a folder, by name, or one file for all."""
    return ReferencesByName(place, suffixes) if place.is_dir() else OneReference(place)


def check_pair(made: Path, reference: Path) -> None:
    """InputError, about the made file: one of the two does not exist, or they are the same."""
    if not made.exists():
        raise InputError("does not exist", path=made)
    if not reference.exists():
        raise InputError(f"has no reference: {reference} does not exist", path=made)
    if made.samefile(reference):
        raise InputError("is its own reference", path=made)

"""What is said in each clip: a folder with NAME.txt, or a list with a name and its words on each line."""

from __future__ import annotations

from pathlib import Path

from tk_tools.errors import InputError
from tk_tools.files.find import find_files


class Transcripts:
    """Transcripts by the stem of the clip.

    Of a folder, and those below it, NAME.txt is read when it is asked for. Lines of a list are NAME, a tab, words;
    NAME|words or NAME|words|words as LJSpeech has them (the last are taken); or NAME, a space, words (Kaldi's text,
    LibriSpeech). InputError: it cannot be read, is empty, a line is none of these, or two files or lines have one
    name. One separator holds for the whole list.
    """

    def __init__(self, place: Path):
        self._words: dict[str, str] = {}
        self._paths: dict[str, Path] = {}
        if not place.is_dir():
            self._words = _read_list(place)
            return
        for found in find_files(place, (".txt",)):
            other = self._paths.setdefault(found.path.stem, found.path)
            if other != found.path:
                raise InputError(f"has the name of {other}: which holds the words of {other.stem}?", path=found.path)

    def of(self, stem: str) -> str | None:
        """The words of a clip, None: there are none."""
        if stem in self._paths:
            return _read(self._paths[stem]).strip() or None
        return self._words.get(stem)


def _read_list(path: Path) -> dict[str, str]:
    words: dict[str, str] = {}
    numbered = enumerate(_read(path).split("\n"), start=1)
    lines = [(number, line.strip()) for number, line in numbered if line.strip()]
    separator = _separator([line for _, line in lines])
    for number, line in lines:
        name, found, rest = line.partition(separator)
        name = name.strip()
        text = rest.rpartition("|")[2] if separator == "|" else rest
        if not (found and text.strip()):
            raise InputError(f"line {number} is not a name and its words, with a tab, | or space between", path=path)
        if words.setdefault(name, text.strip()) != text.strip():
            raise InputError(f"line {number} has other words for {name} than a line before", path=path)
    if not words:
        raise InputError("holds no transcript", path=path)
    return words


def _separator(lines: list[str]) -> str:
    """A tab where half of the lines have one, a bar where all have, since words may hold one; else a space."""
    if 2 * sum("\t" in line for line in lines) >= len(lines):
        return "\t"
    return "|" if all("|" in line for line in lines) else " "


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from error
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8 text; save it as such", path=path) from error

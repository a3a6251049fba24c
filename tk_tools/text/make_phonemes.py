"""One file of texts to its phonemes: the work of tk-phonemize."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from tk_tools.errors import InputError
from tk_tools.files.made_from import read_provenance
from tk_tools.files.phonemes_file import write_phonemes_file
from tk_tools.files.provenance import describe
from tk_tools.files.utterances import Utterance, read_utterances
from tk_tools.text.ids import LONGEST, outside_table
from tk_tools.text.normalise import normalise
from tk_tools.text.phonemes import Phonemiser
from tk_tools.text.scripts import unreadable
from tk_tools.text.sentences import split_to_fit
from tk_tools.text.symbols import MARKS

_NAMED = 3  # lines and symbols that a warning names
_SURELY_TOO_LONG = 8 * LONGEST  # characters of a text


@dataclass(frozen=True)
class PhonemizeOptions:
    """language: a code of espeak-ng. normalise: spell out what is written in figures, signs and abbreviations."""

    language: str = "en-us"
    normalise: bool = True


@dataclass
class Heard:
    """What is to be told of a file that is turned into phonemes: numbers of lines."""

    silent: list[int] = field(default_factory=list)
    long: list[int] = field(default_factory=list)
    unread: dict[str, list[int]] = field(default_factory=dict)
    outside: dict[str, list[int]] = field(default_factory=dict)

    def read(self, line: int, text: str, language: str) -> None:
        """Keep what of a text the language does not read."""
        for what in unreadable(text, language):
            lines = self.unread.setdefault(what, [])
            if lines[-1:] != [line]:
                lines.append(line)

    def look(self, line: int, phonemes: str) -> None:
        """Keep what the table lacks."""
        for symbol in outside_table(phonemes):
            lines = self.outside.setdefault(symbol, [])
            if lines[-1:] != [line]:
                lines.append(line)

    def warning(self) -> str:
        """All of it in a line; empty where there is nothing to tell."""
        told = []
        if self.silent:
            told.append(f"nothing can be spoken in {_lines(self.silent)}, left out")
        if self.long:
            told.append(f"{_lines(self.long)}: over {LONGEST} symbols, the most that StyleTTS 2 takes")
        if self.unread:
            told.append(unspoken([f"{what} ({_lines(lines)})" for what, lines in self.unread.items()]))
        if self.outside:
            told.append(lacking([f"{name(symbol)} ({_lines(lines)})" for symbol, lines in self.outside.items()]))
        return "; ".join(told)


@cache
def phonemiser(language: str) -> Phonemiser:
    """One for each language and process: each keeps a library open."""
    return Phonemiser(language)


def say(text: str, options: PhonemizeOptions) -> str:
    """The phonemes of one utterance; empty where nothing can be spoken."""
    said = phonemiser(options.language).phonemes(normalise(text, options.language) if options.normalise else text)
    return said if said.strip(MARKS) else ""


def make_phonemes(source: Path, target: Path, options: PhonemizeOptions) -> dict[str, Any]:
    """Write NAME.phonemes.txt of a file of texts; the number of its utterances and what is to be told.

    InputError: see read_utterances; or nothing in it can be spoken. MissingPackage, ConfigError: see Phonemiser.
    """
    if read_provenance(source) is not None:
        return {"left_out": "holds phonemes already"}
    heard = Heard()
    count = write_phonemes_file(target, _spoken(source, options, heard), describe(options, source))
    warning = heard.warning()
    return {"utterances": count} | ({"warning": warning} if warning else {})


def phonemes_of(source: Path, options: PhonemizeOptions) -> list[dict[str, Any]]:
    """A row for each utterance: line, phonemes, and of a list recording and speaker; the first bears the warning.

    InputError, MissingPackage, ConfigError: see make_phonemes.
    """
    heard = Heard()
    rows = [
        {"line": said.line, "phonemes": said.text}
        | ({"recording": said.recording, "speaker": said.speaker} if said.recording is not None else {})
        for said in _spoken(source, options, heard)
    ]
    if not rows:
        raise InputError("holds nothing that can be spoken", path=source)
    if warning := heard.warning():
        rows[0]["warning"] = warning
    return rows


def _spoken(source: Path, options: PhonemizeOptions, heard: Heard) -> Iterator[Utterance]:
    """The utterances in phonemes. A line of a text that is too long becomes several; one of a list is a recording."""

    @lru_cache(maxsize=2)  # the last is asked for again
    def said(text: str) -> str:
        return say(text, options)

    def count(text: str) -> int:
        return len(text) if len(text) > _SURELY_TOO_LONG else len(said(text))

    for utterance in read_utterances(source):
        whole = utterance.recording is not None
        pieces = [utterance.text] if whole else split_to_fit(utterance.text, count, LONGEST, options.language)
        silent = True
        heard.read(utterance.line, utterance.text, options.language)
        for piece in pieces:
            phonemes = said(piece)
            if not phonemes:
                continue
            silent = False
            if len(phonemes) > LONGEST:
                heard.long.append(utterance.line)
            heard.look(utterance.line, phonemes)
            yield utterance._replace(text=phonemes)
        if silent:
            heard.silent.append(utterance.line)


def unspoken(what: list[str]) -> str:
    """What is told of what `unreadable` gives."""
    more = f" and {len(what) - _NAMED} more" if len(what) > _NAMED else ""
    return f"cannot be spoken in this language: {', '.join(what[:_NAMED])}{more}"


def lacking(symbols: list[str]) -> str:
    """What is told of symbols outside the published table."""
    more = f" and {len(symbols) - _NAMED} more" if len(symbols) > _NAMED else ""
    return f"symbols that StyleTTS 2 lacks and leaves out: {', '.join(symbols[:_NAMED])}{more}"


def name(symbol: str) -> str:
    """In quotes, or where it would stand over one by its number."""
    return f"U+{ord(symbol):04X}" if unicodedata.combining(symbol) or not symbol.isprintable() else f"'{symbol}'"


def _lines(numbers: list[int]) -> str:
    named = ", ".join(map(str, numbers[:_NAMED]))
    more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
    return f"line{'s' * (len(numbers) > 1)} {named}{more}"

"""A file of text, or of phonemes, as what is said one phrase after another; it streams through, however long it is."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from tk_tools.errors import InputError
from tk_tools.files.phonemes_file import SUFFIX, read_phonemes_file
from tk_tools.text.make_phonemes import Heard, PhonemizeOptions, say
from tk_tools.text.sentences import split_text
from tk_tools.text.symbols import INDEX, MARKS, PAD

SHORTEST = 20  # symbols, somewhat over a second: what is shorter is said in one go with what stands beside it
PAUSES = ".!?…;:,—"  # marks at which a voice stops
LONGEST_JOINED = 150  # symbols; short sentences are joined up to here
_BLOCK = 1 << 16  # bytes read at a time


class Phrase(NamedTuple):
    """phonemes: some can be spoken. ends: what ends with it; a longer sentence is cut."""

    phonemes: str
    ends: Literal["cut", "sentence", "paragraph"]


def read_aloud(source: Path, longest: int, language: str, heard: Heard) -> Iterator[Phrase]:
    """The phrases of a text, or of NAME.phonemes.txt, whose utterances are said as they stand.

    longest: symbols of a phrase; what is longer is cut. Sentences of a text that are shorter than SHORTEST are joined
    with one beside them in their paragraph. heard: takes what is to be told; utterances without a symbol that can be
    spoken are left out. InputError: the file cannot be read, is not UTF-8, or holds nothing that can be spoken.
    MissingPackage, ConfigError: see Phonemiser.
    """
    if source.name.endswith(SUFFIX):
        phrases = _utterances(source, longest, heard)
    else:
        phrases = _joined(_sentences(source, longest, language, heard), min(longest, LONGEST_JOINED))
    first = next(phrases, None)
    if first is None:
        told = heard.warning()
        raise InputError("holds nothing that can be spoken" + (f": {told}" if told else ""), path=source)
    yield first
    yield from phrases


def _utterances(source: Path, longest: int, heard: Heard) -> Iterator[Phrase]:
    for utterance in read_phonemes_file(source):
        heard.look(utterance.line, utterance.text)
        pieces = _spoken(utterance.text, longest)
        if not pieces:
            heard.silent.append(utterance.line)
        yield from _phrases(pieces, "sentence")


def _spoken(phonemes: str, longest: int) -> list[str]:
    """An utterance in pieces of at most so many symbols, but those of which the table has nothing to speak."""
    mute = MARKS + PAD
    pieces = _words_to_fit(phonemes, longest)
    return [piece for piece in pieces if any(symbol in INDEX and symbol not in mute for symbol in piece)]


def _words_to_fit(phonemes: str, longest: int) -> Iterator[str]:
    """Phonemes in pieces of at most so many symbols, cut behind a mark where there is one in their latter half."""
    while len(phonemes) > longest:
        piece = phonemes[:longest]
        mark = max(piece.rfind(f" {mark} ", longest // 2) for mark in PAUSES)
        place = mark + 2 if mark > 0 else piece.rfind(" ")
        place = place if place > 0 else longest
        yield phonemes[:place].strip()
        phonemes = phonemes[place:].strip()
    yield phonemes


def _sentences(source: Path, longest: int, language: str, heard: Heard) -> Iterator[Phrase]:
    options = PhonemizeOptions(language)
    line = 1
    for piece in split_text(_blocks(source), language):
        heard.read(line, piece.text, language)
        if phonemes := say(piece.text, options):
            heard.look(line, phonemes)
            yield from _phrases(_spoken(phonemes, longest), piece.ends)
        line += piece.text.count("\n")


def _phrases(pieces: list[str], ends: Literal["cut", "sentence", "paragraph"]) -> Iterator[Phrase]:
    """The pieces of a sentence: all but the last are cut off."""
    for phonemes in pieces[:-1]:
        yield Phrase(phonemes, "cut")
    for phonemes in pieces[-1:]:
        yield Phrase(phonemes, ends)


def _joined(phrases: Iterator[Phrase], longest: int) -> Iterator[Phrase]:
    held = None
    for phrase in phrases:
        if held is None:
            held = phrase
        elif (
            held.ends == "sentence"
            and min(len(held.phonemes), len(phrase.phonemes)) < SHORTEST
            and len(held.phonemes) + 1 + len(phrase.phonemes) <= longest
        ):
            held = Phrase(f"{held.phonemes} {phrase.phonemes}", phrase.ends)
        else:
            yield held
            held = phrase
    if held is not None:
        yield held


def _blocks(source: Path) -> Iterator[str]:
    """The text of a file in blocks, with plain line breaks."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    line = 1
    try:
        with open(source, "rb") as file:
            while block := file.read(_BLOCK):
                text = decoder.decode(block)
                line += text.count("\n")
                yield text.replace("\r\n", "\n")
            decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        line += error.object[: error.start].count(b"\n")
        raise InputError(f"line {line} is not UTF-8 text; save it as such", path=source) from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=source) from error

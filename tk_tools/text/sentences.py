"""Long texts in pieces that can be spoken one after another, none of the text lost: paragraphs, sentences, clauses.

Sentences are found by sentencex, which knows the abbreviations of some 300 languages (optional: pip install '.[text]').
Text streams through: what is kept in memory is one paragraph, or of a long one a few sentences.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

from tk_tools.errors import MissingPackage

LONGEST_SENTENCE = 2000  # characters: text without a mark is cut between words
_AT_ONCE = 16_000  # characters of a longer paragraph
_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_SHORT_WORD = re.compile(r"\b[^\W\d_]{1,4}\.[^\S\n]*$")
_SENTENCEX = {"cmn": "zh", "yue": "zh", "nb": "no"}  # espeak-ng's codes that differ


class Piece(NamedTuple):
    """A sentence with the space behind it, and what ends there: the pause that a reader makes grows with it."""

    text: str
    ends: Literal["cut", "sentence", "paragraph"]


def split_text(blocks: Iterable[str], language: str = "en-us") -> Iterator[Piece]:
    """The sentences of a text that comes in blocks of any size; joined, they are the text.

    An empty line ends a paragraph, a line break alone ends nothing. A sentence of over LONGEST_SENTENCE characters is
    cut at a space. MissingPackage: sentencex is not installed.
    """
    rest = ""
    for block in blocks:
        *whole, rest = _paragraphs(rest + block)
        for paragraph in whole:
            yield from _whole_paragraph(paragraph, language)
        while len(rest) > _AT_ONCE:
            # What follows may belong to the last of them, or tell that the one before goes on.
            known = _sentences(rest[:_AT_ONCE], language)[:-2] or [Piece(rest[:LONGEST_SENTENCE], "cut")]
            yield from known
            rest = rest[sum(len(piece.text) for piece in known) :]
    yield from _whole_paragraph(rest, language)


def split_to_fit(text: str, count: Callable[[str], int], longest: int, language: str = "en-us") -> Iterator[str]:
    """The text itself where its `count` is at most `longest`, else its sentences; of these that are too long the
    clauses, then the words. The pieces join to the text; a single word that is too long is cut."""
    if count(text) <= longest or len(text) < 2:
        yield text
        return
    pieces = [piece.text for piece in split_text([text], language)]
    if len(pieces) == 1:
        pieces = _halves(text)
    for piece in pieces:
        yield from split_to_fit(piece, count, longest, language)


def _paragraphs(text: str) -> list[str]:
    """Paragraphs with the empty lines behind them; the last may go on."""
    ends = [found.end() for found in _PARAGRAPH.finditer(text) if found.end() < len(text)]
    return [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]


def _whole_paragraph(text: str, language: str) -> list[Piece]:
    pieces = _sentences(text, language)
    return pieces[:-1] + [piece._replace(ends="paragraph") for piece in pieces[-1:]]


def _sentences(text: str, language: str) -> list[Piece]:
    """The sentences, each with the space behind it."""
    try:
        import sentencex
    except ImportError:
        raise MissingPackage("splitting texts needs sentencex; install it with: pip install sentencex") from None
    found = sentencex.segment(_SENTENCEX.get(language, language.partition("-")[0]), text) if text.strip() else [text]
    sentences: list[str] = []
    for sentence in found:
        if sentences and (not sentence.strip() or _goes_on(sentences[-1], sentence)):
            sentences[-1] += sentence
        elif sentence:
            sentences.append(sentence)
    return [piece for sentence in sentences for piece in _cut(sentence)]


def _goes_on(before: str, after: str) -> bool:
    """Whether the full stop between was that of an abbreviation that sentencex does not know: vol. 3."""
    begins = after.lstrip()[:1]
    return (begins.islower() or begins.isdigit()) and _SHORT_WORD.search(before) is not None


def _cut(sentence: str) -> Iterator[Piece]:
    while len(sentence) > LONGEST_SENTENCE:
        place = sentence.rfind(" ", 0, LONGEST_SENTENCE) + 1 or LONGEST_SENTENCE
        yield Piece(sentence[:place], "cut")
        sentence = sentence[place:]
    yield Piece(sentence, "sentence")


def _halves(text: str) -> list[str]:
    """In two at the mark that is nearest the middle, else at the space, else in the middle."""
    for pattern in (r"[;:—…]\s*(?=\S)", r",\s+(?=\S)", r"\s+(?=\S)"):
        places = [found.end() for found in re.finditer(pattern, text) if 0 < found.end() < len(text)]
        if places:
            place = min(places, key=lambda place: abs(place - len(text) / 2))
            return [text[:place], text[place:]]
    return [text[: len(text) // 2], text[len(text) // 2 :]]

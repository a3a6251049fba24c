"""Word and character error rates of what was heard against a transcript, by jiwer.

Both are brought to one spelling first: small letters, no punctuation but the apostrophe within a word, single spaces.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from tk_tools.errors import InputError, MissingPackage


class Errors(NamedTuple):
    """Edits (substitutions, deletions, insertions) that turn what was heard into the transcript, and its length."""

    word_edits: int
    words: int
    character_edits: int
    characters: int

    @property
    def wer(self) -> float:
        """Word error rate; over 1 when more is heard than was said."""
        return self.word_edits / self.words

    @property
    def cer(self) -> float:
        """Character error rate, spaces counted."""
        return self.character_edits / self.characters


def check_jiwer() -> None:
    """MissingPackage: jiwer is not installed."""
    try:
        import jiwer  # noqa: F401
    except ImportError:
        raise MissingPackage("error rates need a package; install it with: pip install jiwer") from None


def word_errors(heard: str, said: str) -> Errors:
    """Compare two texts. InputError: the transcript has no words. MissingPackage: as check_jiwer."""
    check_jiwer()
    import jiwer

    heard, said = plain(heard), plain(said)
    if not said:
        raise InputError("its transcript has no words")
    words = jiwer.process_words(said, heard)
    characters = jiwer.process_characters(said, heard)
    return Errors(_edits(words), len(said.split()), _edits(characters), len(said))


def plain(text: str) -> str:
    """The text in the one spelling."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    text = re.sub(r"(?<!\w)'|'(?!\w)", " ", text)
    return " ".join(re.sub(r"[^\w']|_", " ", text).split())


def _edits(found) -> int:
    return found.substitutions + found.deletions + found.insertions

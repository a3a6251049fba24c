"""Text to phonemes in the international phonetic alphabet, by espeak-ng through the package phonemizer.

Any language of espeak-ng, with stress marks; punctuation marks are kept, each set apart by spaces, as StyleTTS 2's
training lists have them. phonemizer and espeak-ng are under the GPL and optional: pip install '.[text]'. Source: the
notebooks and lists of yl4579/StyleTTS2, whose strings these are.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from tk_tools.errors import ConfigError, MissingPackage
from tk_tools.text import espeak

Quotes = Literal["drop", "keep"]
_NEED = "phonemes need"
_JOINERS = "\u200c\u200d"
_MARK = r"""[;:!?¡¿—…"«»“”(){}\[\]]|(?<![0-9])[.,]|[.,](?![0-9])"""  # within a number . and , belong to it
_MARKS = re.compile(rf"(\s*(?:{_MARK})(?:\s|{_MARK})*)")


class Phonemiser:
    """Phonemes of texts in one language.

    language: a code of espeak-ng, such as en-us, de, fr-fr, cmn. quotes: what becomes of straight double quotes: `drop`
    as in the published LJSpeech inference, or `keep` as a mark. MissingPackage: phonemizer or espeakng-loader is not
    installed. ConfigError: espeak-ng has no voice for the language.
    """

    def __init__(self, language: str = "en-us", quotes: Quotes = "drop"):
        self.language, self._quotes = language, quotes
        with _library() as EspeakBackend:
            voices = EspeakBackend.supported_languages()
            if language not in voices:
                raise ConfigError(_no_voice(language, voices))
            self._backend = EspeakBackend(language, with_stress=True, language_switch="remove-flags")

    def phonemes(self, text: str) -> str:
        """The phonemes of one utterance, words and marks with a space between; empty where there is nothing to say."""
        if self._quotes == "drop":
            text = text.replace('"', "")
        said = separate_marks(self.spoken(text.strip()))
        return said.replace("``", '"').replace("''", '"')

    def spoken(self, text: str) -> str:
        """espeak-ng's phonemes with the marks where they stood in the text."""
        # In one piece, phonemizer takes the full stop of "3.5 dollars." for that of the number and loses what follows.
        words, *rest = _MARKS.split(plain(text))
        parts = [self._words(words)]
        for mark, chunk in zip(rest[::2], rest[1::2], strict=True):
            parts += [re.sub(r"\s+", " ", mark), self._words(chunk)]
        return "".join(parts)

    def _words(self, chunk: str) -> str:
        return "".join(self._backend.phonemize([chunk], strip=True)) if chunk.strip() else ""


def separate_marks(phonemes: str) -> str:
    """Set each mark apart by spaces, as nltk.word_tokenize does with strings of phonemes: the form of training lists.

    A straight quote becomes `` where it opens and '' where it closes. An ellipsis of one character stays with its word,
    and so does a full stop within a word or before a comma (p.m., then).
    """
    for pattern, replacement in _APART:
        phonemes = pattern.sub(replacement, phonemes)
    return " ".join(phonemes.split())


_APART = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"([«“‘„]|`+)", r" \1 "),
        (r'(?<![^\s(\[{<])(?:"|\'\')', " `` "),  # at the beginning, or after a space or an opening bracket
        (r'"|\'\'', " '' "),
        (r"(?<!\.)\.(?=[\s)\]}>\"'»”’]*(?:\s|$)|[:;])", " . "),
        (r"([;?!—»”’()\[\]{}]|\.{2,}|[:,](?![0-9])|(?<!')'(?=\s|$))", r" \1 "),
    )
)


def plain(text: str) -> str:
    """The text in composed form, a space for line breaks and tabs, without characters that only control the display;
    joiners stay, which words of some scripts and emoji are written with."""
    text = re.sub(r"\s", " ", unicodedata.normalize("NFC", text))
    if text.isprintable():
        return text
    return "".join(one for one in text if one in _JOINERS or unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Co"))


def _no_voice(language: str, voices) -> str:
    base = language.partition("-")[0].lower()
    family = [code for code in sorted(voices) if code.partition("-")[0] == base]
    alike = difflib.get_close_matches(language.lower(), voices, n=4, cutoff=0.5)
    named = [
        code
        for code, name in sorted(voices.items())
        if len(language) > 3 and name.lower().startswith(language.lower()[:5])
    ]
    near = ", ".join(named or list(dict.fromkeys([*alike, *family]))[:6])
    hint = f"near it are {near}" if near else "codes look like en-us, de, fr-fr, cmn"
    return f"espeak-ng has no voice for {language!r}; {hint}"


@contextmanager
def _library() -> Iterator[type]:
    """phonemizer's class for espeak-ng, set up to find the library of espeakng-loader."""
    data = espeak.data_path(_NEED)
    try:
        from phonemizer.backend import EspeakBackend
        from phonemizer.backend.espeak.wrapper import EspeakWrapper
    except ImportError:
        raise MissingPackage(f"{_NEED} phonemizer; install it with: pip install phonemizer") from None
    before = os.environ.get("ESPEAK_DATA_PATH")
    os.environ["ESPEAK_DATA_PATH"] = data  # its own call would follow the link, to a path too long for the library
    try:
        with tempfile.TemporaryDirectory(prefix="tk-espeak-") as folder:
            # It never unloads the library, whose state would then outlast each sentence of tk-demo-data.
            EspeakWrapper.set_library(shutil.copy(espeak.library_path(_NEED), folder))
            yield EspeakBackend
    finally:
        if before is None:
            del os.environ["ESPEAK_DATA_PATH"]
        else:
            os.environ["ESPEAK_DATA_PATH"] = before

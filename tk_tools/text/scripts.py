"""What of a text its language does not read: letters of other scripts, and signs of money that have no name there."""

from __future__ import annotations

import re
import unicodedata

# Codes of espeak-ng, up to the first hyphen, whose language is written in another script than the Latin one, which all
# read; the scripts as the names of their letters begin.
_LANGUAGES = {
    "CYRILLIC": "ba be bg bs cv hr kk ky mk nog ru sr tt uk uz",
    "GREEK": "el grc",
    "ARABIC": "ar fa sd ug ur",
    "HEBREW": "he",
    "DEVANAGARI": "hi kok mr ne",
    "BENGALI": "as bn bpy",
    "CJK": "cmn hak ja yue",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "THAI": "th",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy hyw",
    "TAMIL": "ta",
    "TELUGU": "te",
}
_SCRIPTS = {script: frozenset(codes.split()) for script, codes in _LANGUAGES.items()}
_CALLED = {"CJK": "Chinese"}
_SIGNS = "₿₽₴₸₼₺₾₮₭₲₫₱₦₪฿"  # of money, which espeak-ng leaves out
_GREEK_LETTER = re.compile(r"(?<!\w)[Α-ω](?!\w)")  # stands for itself, as π does


def unreadable(text: str, language: str) -> list[str]:
    """ "Cyrillic letters", "'₿'" and the like, each once, in the order of the text; empty where all can be read.

    language: a code of espeak-ng. Letters of scripts that are not in the table above are not told.
    """
    if text.isascii():
        return []
    base = language.partition("-")[0]
    found: dict[str, None] = {}
    for character in _GREEK_LETTER.sub("", text):
        if character.isascii():
            continue
        if character in _SIGNS:
            found[f"'{character}'"] = None
        elif character.isalpha():
            script = unicodedata.name(character, "").partition(" ")[0]
            if script in _SCRIPTS and base not in _SCRIPTS[script]:
                found[f"{_CALLED.get(script, script.capitalize())} letters"] = None
    return list(found)

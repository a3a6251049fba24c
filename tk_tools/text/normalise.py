"""Written text to words that can be spoken: addresses, emoji, amounts of money, and what is particular to English.

Numbers become words by num2words, emoji their names by the package emoji, both in the text's language where these have
it. What is left as it stands, such as the numbers of other languages, espeak-ng reads by its own rules of the language.
Both packages are optional: pip install '.[text]'.
"""

from __future__ import annotations

import re
from decimal import Decimal
from unicodedata import normalize

from tk_tools.errors import MissingPackage
from tk_tools.text.english import normalise_english
from tk_tools.text.numbers import num2words
from tk_tools.text.phonemes import plain
from tk_tools.text.sentences import split_text

CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
AMOUNT = r"\d+(?:[., ]\d{3})*(?:[.,]\d{1,2})?(?!\d)"

# Marks of other scripts and printing to those that the published symbols have.
_MARKS = str.maketrans({
    "‘": "'", "’": "'", "‛": "'", "′": "'", "＇": "'", "“": '"', "”": '"', "„": '"', "‟": '"', "″": '"', "＂": '"',
    "–": " — ", "―": " — ", "−": "-", "‐": "-", "‑": "-",
    "。": ". ", "．": ".", "！": "! ", "？": "? ", "，": ", ", "、": ", ", "；": "; ", "：": ": ", "・": " ", "｡": ". ",
    "（": "(", "）": ")", "【": "(", "】": ")", "「": '"', "」": '"', "『": '"', "』": '"', "《": '"', "》": '"',
    "؟": "? ", "،": ", ", "؛": "; ", "۔": ". ", "।": ". ", "॥": ". ", "՞": "?", "՜": "!", "։": ". ", "‥": "...",
})  # fmt: skip
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"]*[^\s<>\".,;:!?)\]}']|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_ENGLISH_SIGNS = {
    ".": "dot", "/": "slash", "@": "at", "-": "dash", "_": "underscore", "?": "question mark", "=": "equals",
    "&": "and", "#": "hash", ":": "colon", "~": "tilde", "%": "percent", "+": "plus",
}  # fmt: skip
_FRACTION = re.compile("([0-9]*)([¼-¾⅐-⅞])")  # one character
_TONE_OF_SKIN = re.compile("[\U0001f3fb-\U0001f3ff]")


def normalise(text: str, language: str = "en-us") -> str:
    """The text as it is to be spoken, on one line.

    language: a code of espeak-ng. MissingPackage: num2words, emoji or sentencex is not installed.
    """
    # Sentence by sentence: what an abbreviation's full stop ends is then known, and the expressions stay quick.
    sentences = (_normalise_sentence(piece.text, language) for piece in split_text([plain(text)], language))
    return " ".join(filter(None, sentences))


def _normalise_sentence(text: str, language: str) -> str:
    text = text.translate(_MARKS)
    text = re.sub(r"\s-{1,3}\s|--+", " — ", text)
    text = _FRACTION.sub(lambda found: f"{found[1] and found[1] + ' and '}{normalize('NFKD', found[2])}", text)
    text = _ADDRESS.sub(lambda found: _spoken_address(found[0], language), text)
    text = _name_emoji(text, language)
    text = normalise_english(text, language) if language.startswith("en") else _spell_amounts(text, language)
    # Brackets are heard as the pauses that they make.
    text = re.sub(r"\s*[()\[\]{}]\s*", ", ", text)
    text = re.sub(r"(?:\s*,)+(?=\s*[,.;:!?—…])|(?<=[.;:!?—…])(?:\s*,)+|^[\s,]+|,\s*$", "", text)
    return " ".join(re.sub(r"\s+(?=[,.;:!?])", "", text).split())


def _spoken_address(address: str, language: str) -> str:
    """A web or mail address word by word, without the https:// that nobody says."""
    address = re.sub(r"^https?://", "", address, flags=re.IGNORECASE).rstrip("/")
    signs = _ENGLISH_SIGNS if language.startswith("en") else {}  # of other languages espeak-ng knows them
    parts = re.findall(r"[^\W\d_]+|\d+|[^\w\s]|_", address)
    return " ".join("w w w" if part.lower() == "www" else signs.get(part, part) for part in parts)


def _name_emoji(text: str, language: str) -> str:
    """Emoji as their names; where the language has none, and of skin, left out."""
    try:
        import emoji
    except ImportError:
        raise MissingPackage("emoji in texts need the package emoji; install it with: pip install emoji") from None
    if text.isascii() or not emoji.emoji_count(text):
        return text
    base = {"cmn": "zh", "yue": "zh", "fa-latn": "fa"}.get(language, language.partition("-")[0])
    text = _TONE_OF_SKIN.sub("", text)
    known = base in emoji.LANGUAGES
    if known:
        emoji.config.load_language(base)

    def name(symbol: str, data: dict) -> str:
        return f" {data.get(base, '').strip(':').replace('_', ' ').replace('-', ' ')} " if known else " "

    return emoji.replace_emoji(text, name)


def _spell_amounts(text: str, language: str) -> str:
    """Amounts of money in words, where num2words has the language and the currency."""
    signs = "".join(CURRENCIES)

    def spell(found: re.Match) -> str:
        currency = CURRENCIES[found["before"] or found["after"]]
        amount = _decimal(found["one"] or found["other"])
        try:
            said = num2words(amount, language, to="currency", currency=currency, separator="\n")
        except (NotImplementedError, ArithmeticError, LookupError, TypeError, AttributeError, ValueError):
            return found[0]  # each language fails in its own way; espeak-ng reads it
        return said.replace("\n", "") if amount % 1 else said.partition("\n")[0]

    pattern = rf"(?P<before>[{signs}])\s?(?P<one>{AMOUNT})|(?P<other>{AMOUNT})\s?(?P<after>[{signs}])"
    return re.sub(pattern, spell, text)


def _decimal(amount: str) -> Decimal:
    """1.234,50 and 1,234.50 alike: the last mark with one or two digits behind it is the decimal one."""
    whole, mark, rest = re.fullmatch(r"(.*?)(?:([.,])(\d{1,2}))?", amount).groups()
    return Decimal(f"{re.sub(r'[^0-9]', '', whole)}.{rest if mark else '00'}")

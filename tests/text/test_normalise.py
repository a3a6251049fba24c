"""Figures, signs and abbreviations as they are spoken."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tk_tools.errors import MissingPackage
from tk_tools.text import normalise as module
from tk_tools.text.normalise import normalise
from tk_tools.text.sentences import LONGEST_SENTENCE

for package in ("num2words", "emoji", "sentencex"):
    pytest.importorskip(package)

ENGLISH = {
    # numbers
    "It costs 3.5 dollars.": "It costs three point five dollars.",
    "1,234,567 people": "one million two hundred thirty four thousand five hundred sixty seven people",
    "-7 and 0.05, 007": "minus seven and zero point zero five, zero zero seven",
    "the 21st, 103rd and 1,000th": "the twenty first, one hundred third and one thousandth",
    "pages 10-12, 1939-1945": "pages ten to twelve, nineteen thirty nine to nineteen forty five",
    "StyleTTS 2, MP3, H2O": "StyleTTS two, MP three, H two O",
    "3/4 cup, 2½ cups, 24/7": "three quarters cup, two and one half cups, twenty four seven",
    "50% of #1": "fifty percent of number one",
    "v1.2.3": "version one point two point three",
    "Call 555-1234.": "Call five five five, one two three four.",
    "1-800-555-0199": "one, eight zero zero, five five five, zero one nine nine",
    "I ran 4x4 in 3D, 3:1.": "I ran four x four in three D, three:one.",
    # dates and times
    "In 1984, 1905 and 2023.": "In nineteen eighty four, nineteen oh five and twenty twenty three.",
    "the 1990s and '80s": "the nineteen nineties and eighties",
    "On March 3, 2024 he left.": "On March third, twenty twenty four he left.",
    "4 July 1776; Dec. 25th": "the fourth of July seventeen seventy six; December twenty fifth",
    "Sept. 2005": "September two thousand five",
    "2024-03-05 or 2024-13-05": "March fifth, twenty twenty four or twenty twenty four to thirteen to zero five",
    "at 10:30 p.m., 3:05 am, 5:00, 17:45": "at ten thirty p m, three oh five a m, five o'clock, seventeen forty five",
    "at 5:30pm or 5:00PM": "at five thirty p m or five p m",
    "21/11/2026, 11/21/2026, 5/5/2026": "the twenty first of November twenty twenty six, November twenty first, "
    "twenty twenty six, May fifth, twenty twenty six",
    "3/4/2026": "three/four/twenty twenty six",  # April or March
    # Roman numerals
    "Henry VIII and Chapter IV": "Henry the eighth and Chapter four",
    "Elizabeth I, World War II": "Elizabeth the first, World War two",
    "King Haakon VII; for Mary I will go": "King Haakon the seventh; for Mary I will go",
    "the part I have, World War I was": "the part I have, World War one was",
    "an IV drip, Malcolm X": "an IV drip, Malcolm X",
    # money and measures
    "$12.50, $1, £3.01": "twelve dollars and fifty cents, one dollar, three pounds and one penny",
    "$0.99": "ninety nine cents",
    "$2.5 billion, €5M": "two point five billion dollars, five million euros",
    "5kg, 1 km/h, -5°C": "five kilograms, one kilometer per hour, minus five degrees Celsius",
    # abbreviations
    "Dr. Smith and Mrs. Jones live at 12 Main St.": "Doctor Smith and Missus Jones live at twelve Main Street.",
    "St. John vs. Acme Inc. etc.": "Saint John versus Acme Incorporated et cetera.",
    "J. R. R. Tolkien, Ph.D.": "J R R Tolkien, P H D.",
    "the U.S. troops, e.g. one": "the U S troops, for example, one",
    "The U.S.A. is big. I love the U.S.A.": "The U S eigh is big. I love the U S A.",  # no article
    "No. 5, vol. 3. He said no. We left.": "number five, volume three. He said no. We left.",
    # addresses, signs, marks
    "See https://www.example.com/a?b=1.": "See w w w dot example dot com slash a question mark b equals one.",
    "mail bob@x.org, AT&T": "mail bob at x dot org, AT and T",
    "Write to me@x.org.": "Write to me at x dot org.",
    "Sure 😀👍🏽!": "Sure grinning face thumbs up!",
    "our \U0001f468\u200d\U0001f469\u200d\U0001f467.": "our family man woman girl.",
    "He said “yes” – no -- it’s (really) so [x].": 'He said "yes" — no — it\'s, really, so, x.',
    "日本語。はい！": "日本語. はい!",
    "": "",
    " \t\n": "",
    "Plain words, nothing else; truly: nothing?": "Plain words, nothing else; truly: nothing?",
}


@pytest.mark.parametrize(("written", "spoken"), ENGLISH.items(), ids=list(ENGLISH))
def test_english(written, spoken):
    assert normalise(written) == spoken


def test_british_numbers_have_an_and():
    assert normalise("234", "en-gb") == "two hundred and thirty four"


@pytest.mark.parametrize(
    ("language", "written", "spoken"),
    [
        ("de", "Das kostet 12,50 € oder $3.", "Das kostet zwölf Euro fünfzig Cent oder drei Dollar."),
        ("de", "1.234,50 €", "eintausendzweihundertvierunddreißig Euro fünfzig Cent"),
        ("de", "am 3. März", "am 3. März"),  # espeak-ng knows the language's own figures
        ("fr-fr", "Oui 👍", "Oui pouce vers le haut"),
        ("is", "5 € 😀", "5 €"),  # neither money nor emoji in Icelandic
        ("cmn", "你好，世界。", "你好, 世界."),
        ("ar", "نعم؟", "نعم?"),
    ],
)
def test_other_languages(language, written, spoken):
    assert normalise(written, language) == spoken


@settings(max_examples=40)
@given(st.text(max_size=200), st.sampled_from(["en-us", "de", "cmn"]))
def test_any_text_gives_one_line_without_figures_in_english(text, language):
    said = normalise(text, language)
    assert said == " ".join(said.split())
    if language == "en-us":
        assert not any(character in "0123456789" for character in said)


@pytest.mark.parametrize("text", ["1", "a.a@", "A. "])
def test_the_expressions_see_bounded_texts(text, monkeypatch):
    """Some of them take time that is the square of the length."""
    lengths = []
    one = module._normalise_sentence
    monkeypatch.setattr(module, "_normalise_sentence", lambda *given: lengths.append(len(given[0])) or one(*given))
    normalise(text * (5000 // len(text)))
    assert sum(lengths) > 4990
    assert max(lengths) <= LONGEST_SENTENCE


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "num2words", None)
    with pytest.raises(MissingPackage, match="pip install num2words"):
        normalise("5 of them")
    monkeypatch.setitem(sys.modules, "emoji", None)
    with pytest.raises(MissingPackage, match="pip install emoji"):
        normalise("plain")

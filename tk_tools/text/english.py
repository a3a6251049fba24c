"""What English writes shorter than it speaks: dates, times, years, ordinals, money, measures, abbreviations."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from tk_tools.text.numbers import num2words

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_MONTH = rf"(?:{'|'.join([*_MONTHS, 'Sept', *(month[:3] for month in _MONTHS)])})\b\.?"
_MONEY = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "sen", "sen"),
}
_LARGE = {"k": "thousand", "m": "million", "bn": "billion", "b": "billion", "tn": "trillion"}
# Written with a full stop: before a name; where a sentence may end as well; within a sentence; before a number.
_TITLES = {
    "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Dr": "Doctor", "Prof": "Professor", "Rev": "Reverend",
    "Gen": "General", "Col": "Colonel", "Maj": "Major", "Capt": "Captain", "Lt": "Lieutenant", "Sgt": "Sergeant",
    "Gov": "Governor", "Sen": "Senator", "Rep": "Representative", "Hon": "Honorable", "Pres": "President",
    "St": "Saint", "Mt": "Mount", "Ft": "Fort",
}  # fmt: skip
_ANYWHERE = {
    "Jr": "Junior", "Sr": "Senior", "Co": "Company", "Ltd": "Limited", "Inc": "Incorporated", "Corp": "Corporation",
    "Bros": "Brothers", "Ave": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Esq": "Esquire", "etc": "et cetera",
    "Ph.D": "P H D",
}  # fmt: skip
_WITHIN = {"vs": "versus", "approx": "approximately", "Dept": "Department", "St": "Street"}
_NUMBERED = {
    "No": "number", "Nos": "numbers", "Vol": "volume", "vol": "volume", "Fig": "figure", "fig": "figure",
    "Ch": "chapter", "ch": "chapter", "p": "page", "pp": "pages", "Sec": "section", "Eq": "equation",
}  # fmt: skip
_UNITS = {
    "km/h": "kilometers per hour", "mph": "miles per hour", "m/s": "meters per second", "km": "kilometers",
    "cm": "centimeters", "mm": "millimeters", "kg": "kilograms", "mg": "milligrams", "g": "grams", "lb": "pounds",
    "lbs": "pounds", "oz": "ounces", "ft": "feet", "ml": "milliliters", "kHz": "kilohertz", "MHz": "megahertz",
    "GHz": "gigahertz", "Hz": "hertz", "kB": "kilobytes", "KB": "kilobytes", "MB": "megabytes", "GB": "gigabytes",
    "TB": "terabytes", "ms": "milliseconds", "kW": "kilowatts", "kWh": "kilowatt hours", "°C": "degrees Celsius",
    "°F": "degrees Fahrenheit", "°": "degrees",
}  # fmt: skip
_NUMBERED_BY_ROMANS = (
    "Chapter", "Part", "Book", "Volume", "Act", "Scene", "Section", "Article", "Appendix", "War", "Type", "Phase",
    "Class", "Stage", "Level", "Figure", "Table", "Title", "Bowl", "Apollo", "Episode", "Canto",
)  # fmt: skip
_TITLES_OF_RULERS = ("King", "Queen", "Pope", "Emperor", "Empress", "Tsar", "Czar", "Prince", "Kaiser", "Sultan")
_RULERS = (
    "Henry", "Edward", "Richard", "George", "William", "James", "Charles", "Elizabeth", "Mary", "Louis", "Philip",
    "Napoleon", "Paul", "Pius", "Benedict", "Leo", "Gregory", "Innocent", "Clement", "Nicholas", "Alexander", "Peter",
    "Catherine", "Frederick", "Wilhelm", "Ferdinand", "Francis", "Ivan", "Ramses", "Christian", "Gustav", "Carl",
)  # fmt: skip
_LONGEST_NUMBER = 15  # figures; longer ones are read one by one
_AND = "\x1f"  # behind an "and" in a number, which Americans leave out; no text has this character any more
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"


def normalise_english(text: str, language: str = "en-us") -> str:
    """The text in words: what is written in figures or cut short, as en-us or another English says it."""
    stopped = _END.search(text)
    for pattern, spell in _RULES:
        text = pattern.sub(spell, text)
    if stopped and not _END.search(text):  # the full stop was that of an abbreviation as well
        text += "."
    return text.replace(f" and {_AND}", " and " if language.startswith("en-gb") else " ")


def _words(number: int | Decimal | str, to: str = "cardinal") -> str:
    return num2words(Decimal(number), "en", to=to).replace(",", "").replace("-", " ").replace(" and ", f" and {_AND}")


def _cardinal(digits: str) -> str:
    return _words(digits.replace(",", "")) if len(digits) <= _LONGEST_NUMBER else _digits(digits.replace(",", ""))


def _ordinal(digits: str) -> str:
    return _words(digits.replace(",", ""), to="ordinal") if len(digits) <= _LONGEST_NUMBER else _digits(digits)


def _year(digits: str) -> str:
    return _words(digits, to="year")


def _digits(text: str) -> str:
    """A telephone number or the like, one figure after another, with a pause where it has a mark."""
    said = (_words(digit) if digit.isdigit() else "," for digit in re.findall(r"\d|[^\d]+(?=\d)", text))
    return " ".join(said).replace(" ,", ",").lstrip(", ")


def _count(digits: str, one: str, many: str) -> str:
    return f"{_cardinal(digits)} {one if digits == '1' else many}"


def _money(found: re.Match) -> str:
    one, many, cent, cents = _MONEY[found["sign"]]
    if large := found["large"]:
        return f"{_cardinal(found['amount'])} {_LARGE.get(large.lower(), large)} {many}"
    whole, _, rest = found["amount"].partition(".")
    if len(rest) not in (0, 2):
        return f"{_cardinal(found['amount'])} {many}"
    parts = [_count(whole, one, many)] if int(whole.replace(",", "")) or not int(rest or 0) else []
    if int(rest or 0):
        parts.append(_count(str(int(rest)), cent, cents))
    return " and ".join(parts)


def _time(found: re.Match) -> str:
    hour, minute, half = int(found["hour"]), int(found["minute"]), found["half"]
    if hour > 23 or minute > 59:
        return f"{_words(hour)} to {_words(minute)}"  # a score or a ratio
    said = [_words(hour)]
    if minute:
        said.append(f"oh {_words(minute)}" if minute < 10 else _words(minute))
    elif not half:
        said.append("o'clock" if 0 < hour < 13 else "hundred")
    return " ".join(said) + _half(half)


def _half(half: str | None) -> str:
    return f" {half[0].lower()} m" if half else ""


def _hour(found: re.Match) -> str:
    return _words(int(found["hour"])) + _half(found["half"])


def _iso_date(found: re.Match) -> str:
    try:
        day = date(*(int(part) for part in found.groups()))
    except ValueError:
        return found[0]
    return f"{_MONTHS[day.month - 1]} {_ordinal(str(day.day))}, {_year(str(day.year))}"


def _slash_date(found: re.Match) -> str:
    """A date that is one by its numbers, the day first or the month; where it may be either, it stays as it is."""
    first, second, year = (int(part) for part in found.groups())
    month, day = (first, second) if first <= 12 else (second, first)
    if min(first, second) < 1 or month > 12 or day > 31 or (day <= 12 and first != second):
        return found[0]
    if first <= 12:
        return f"{_MONTHS[month - 1]} {_ordinal(str(day))}, {_year(str(year))}"
    return f"the {_ordinal(str(day))} of {_MONTHS[month - 1]} {_year(str(year))}"


def _spelled(found: re.Match) -> str:
    """Letters one by one. espeak-ng takes an A before a word for the article."""
    letters = found[0][::2]
    before_word = letters.endswith("A") and re.match(r"\s+\w", found.string[found.end() :])
    return " ".join([*letters[:-1], "eigh" if before_word else letters[-1]]) + " "


def _roman(numeral: str) -> str:
    """Of I, V and X alone, in figures."""
    values = [{"I": 1, "V": 5, "X": 10}[letter] for letter in numeral]
    return str(sum(-one if one < after else one for one, after in zip(values, [*values[1:], 0], strict=True)))


def _month_name(written: str) -> str:
    return next(month for month in _MONTHS if month.startswith(written[:3]))


def _month_day(found: re.Match) -> str:
    year = f", {_year(found['year'])}" if found["year"] else ""
    return f"{_month_name(found['month'])} {_ordinal(found['day'])}{year}"


def _day_month(found: re.Match) -> str:
    year = f" {_year(found['year'])}" if found["year"] else ""
    return f"the {_ordinal(found['day'])} of {_month_name(found['month'])}{year}"


def _decade(found: re.Match) -> str:
    said = _year(found["decade"]) if len(found["decade"]) == 4 else _words(int(found["decade"]))
    return f"{said[:-1]}ies" if said.endswith("y") else f"{said}s"


def _fraction(found: re.Match) -> str:
    above, below = int(found[1]), int(found[2])
    if not 0 < above < below <= 10:
        return f"{_words(above)} {_words(below)}"  # 24/7
    name = {2: "half", 4: "quarter"}.get(below) or _ordinal(str(below))
    return f"{_words(above)} {'halve' if below == 2 and above > 1 else name}{'s' if above > 1 else ''}"


def _measure(found: re.Match) -> str:
    unit = _UNITS[found["unit"]]
    if found["number"] == "1":
        unit = "foot" if unit == "feet" else re.sub(r"^(\w+?)s\b", r"\1", unit)
    sign = "minus " if found["sign"] else ""
    return f"{sign}{_cardinal(found['number'])} {unit}"


def _plain_number(found: re.Match) -> str:
    digits = found[0]
    if re.fullmatch(r"1[1-9]\d\d|20\d\d", digits):
        said = _year(digits)
    elif len(digits) > 1 and digits.startswith("0") and not digits.startswith("0."):
        said = _digits(digits)
    else:
        said = _cardinal(digits)
    before, after = found.string[: found.start()][-1:], found.string[found.end() :][:1]
    return f" {said} " if before.isalpha() or after.isalpha() else said  # MP3, 4x


def _any(words: dict[str, str]) -> str:
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


_HALF = r"(?P<half>[AaPp])(?:\.[Mm]\.|[Mm]\b)"
_ROMAN = r"(?=[IVX])X{0,3}(?:IX|IV|V?I{0,3})(?<=[IVX])"
_END = re.compile(r"[.!?…]\W*$")
_Spell = Callable[[re.Match], str]
_RULES: tuple[tuple[re.Pattern, _Spell | str], ...] = tuple(
    (re.compile(pattern), spell)
    for pattern, spell in (
        (rf"\d{{{_LONGEST_NUMBER + 1},}}", lambda found: _digits(found[0])),
        (r"\be\.g\.,?", "for example,"),
        (r"\bi\.e\.,?", "that is,"),
        (rf"\b({_any(_TITLES)})\.(?=\s+[A-Z])", lambda found: _TITLES[found[1]]),
        (rf"\b({_any(_ANYWHERE)})\.(?=\s+[A-Z])", lambda found: f"{_ANYWHERE[found[1]]}."),
        (rf"\b({_any(_ANYWHERE | _WITHIN)})\.", lambda found: (_ANYWHERE | _WITHIN)[found[1]]),
        (rf"\b({_any(_NUMBERED)})\.\s*(?=\d)", lambda found: f"{_NUMBERED[found[1]]} "),
        (r"\b(?:[A-Z]\.){2,}", _spelled),  # U.S.A.
        (
            rf"\b(?i:({'|'.join(_NUMBERED_BY_ROMANS)}))\s+(?P<numeral>{_ROMAN})\b"
            r"(?!(?<=\bI)(?:['’]|\s+(?:am|have|had|will|would|can|could|do|did|think|know)\b))",
            lambda found: f"{found[1]} {_roman(found['numeral'])}",
        ),
        (
            rf"\b((?:{'|'.join(_TITLES_OF_RULERS)})\s+[A-Z]\w+|{'|'.join(_RULERS)})\s+(?P<numeral>{_ROMAN})\b"
            r"(?!(?<=\bI)(?:['’]|\s+[a-z]))",
            lambda found: f"{found[1]} the {_ordinal(_roman(found['numeral']))}",
        ),
        (r"\b([A-Z])\.(?=\s?(?:[A-Z]\b|[A-Z][a-z]))", r"\1"),  # initials of a name
        (
            r"\b(?:[vV](?:ersion)?\s?)?(\d+(?:\.\d+){2,})\b",
            lambda found: (
                f"{'version ' * found[0].lower().startswith('v')}{' point '.join(map(_cardinal, found[1].split('.')))}"
            ),
        ),
        (r"\b(\d{4})-(\d\d)-(\d\d)\b", _iso_date),
        (r"(?<![\w/.])(\d\d?)/(\d\d?)/([12]\d{3})\b(?!/)", _slash_date),
        (rf"\b({_MONTH})(?=\s+[12]\d{{3}}\b)", lambda found: _month_name(found[1])),
        (rf"\b(?P<month>{_MONTH})\s+(?P<day>\d\d?)(?:st|nd|rd|th)?\b(?:,?\s+(?P<year>[12]\d{{3}})\b)?", _month_day),
        (
            rf"(?<![\w.,])(?:the\s+)?(?P<day>\d\d?)(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month>{_MONTH})(?:,?\s+(?P<year>[12]\d{{3}})\b)?",
            _day_month,
        ),
        (rf"(?<![\w:])(?P<hour>\d\d?):(?P<minute>\d\d)(?:\s*{_HALF}|\b(?!:))", _time),
        (rf"\b(?P<hour>\d\d?)\s*{_HALF}", _hour),
        (
            rf"(?P<sign>[$£€¥])\s?(?P<amount>{_NUMBER})(?:\s?(?P<large>thousand|million|billion|trillion|bn|tn|[kKmMbB])\b)?",
            _money,
        ),
        (r"(?<![\d-])\+?(?:1[-. ])?(?:\(\d{3}\)\s?|\d{3}[-. ])?\d{3}[-.]\d{4}\b", lambda found: _digits(found[0])),
        (r"'?\b(?P<decade>\d{3}0|\d0)'?s\b", _decade),
        (rf"\b({_NUMBER})(?:st|nd|rd|th)\b", lambda found: _ordinal(found[1])),
        (rf"({_NUMBER})\s?%", lambda found: f"{_cardinal(found[1])} percent"),
        (rf"(?P<sign>(?<![\w.])-)?(?P<number>{_NUMBER})\s?(?P<unit>{_any(_UNITS)})(?![\w/])", _measure),
        (r"(?<![\d/])(\d{1,2})[/⁄](\d{1,3})(?![\d/])", _fraction),
        (r"#(?=\d)", "number "),
        (r"(?<=\d)(?:-|\s?—\s?)(?=\d)", " to "),
        (r"(?<![\w.])-(?=\d)", "minus "),
        (r"(?<=\w)\s?&\s?(?=\w)", " and "),
        (_NUMBER, _plain_number),
    )
)

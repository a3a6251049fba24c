"""Numbers in words, by the package num2words (optional: pip install '.[text]')."""

from __future__ import annotations

from tk_tools.errors import MissingPackage

_LANGUAGES = {"en-us": "en", "en-gb": "en", "fr-fr": "fr", "nb": "no", "es-419": "es"}  # espeak-ng's codes that differ


def num2words(number, language: str, **options) -> str:
    """The package's function, for a language by espeak-ng's code.

    MissingPackage: it is not installed. NotImplementedError: it lacks the language.
    """
    try:
        from num2words import num2words as words
    except ImportError:
        raise MissingPackage("numbers in texts need num2words; install it with: pip install num2words") from None
    return words(number, lang=_LANGUAGES.get(language, language.replace("-", "_")), **options)

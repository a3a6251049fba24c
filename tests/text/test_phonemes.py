"""Phonemes of espeak-ng with the marks where they stood; the golden sentences are in tests/golden."""

import os
import sys

import pytest

from tk_tools.errors import ConfigError, MissingPackage
from tk_tools.text import espeak
from tk_tools.text.phonemes import Phonemiser, separate_marks

pytest.importorskip("phonemizer")
pytest.importorskip("espeakng_loader")


@pytest.fixture(scope="module")
def english():
    return Phonemiser("en-us")


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        ("It costs 3.5 dollars.", "ɪt kˈɔsts θɹˈiː pɔɪnt fˈaɪv dˈɑːlɚz ."),  # phonemizer alone loses "five dollars"
        ('"Stop!" she cried.', "stˈɑːp ! ʃiː kɹˈaɪd ."),
        ("  What?!  No...\tyes\n", "wˌʌt ? ! nˈoʊ ... jˈɛs"),
        ("a\0b", "ˈeɪ bˈiː"),
        ("...", "..."),
        ("", ""),
        ("-", ""),
    ],
)
def test_words_and_marks(english, text, phonemes):
    if text == "a\0b":
        phonemes = english.phonemes("ab")
    assert english.phonemes(text) == phonemes


def test_quotes_are_dropped_or_kept():
    text = '"Stop!" she cried.'
    assert Phonemiser("en-us", quotes="keep").phonemes(text) == '" stˈɑːp ! " ʃiː kɹˈaɪd .'
    assert '"' not in Phonemiser("en-us").phonemes(text)


# What nltk 3.10.4 gives: word_tokenize with an untrained Punkt, joined by spaces.
@pytest.mark.parametrize(
    ("spoken", "apart"),
    [
        ("həlˈoʊ, wˈɜːld! ", "həlˈoʊ , wˈɜːld !"),
        ("tˈɛn:θˈɜːɾi pˈiː.ˈɛm. ", "tˈɛn : θˈɜːɾi pˈiː.ˈɛm ."),
        ('"ɪt." ðˈɛn ("nˈoʊ")', "`` ɪt . '' ðˈɛn ( `` nˈoʊ '' )"),
        ("wˈeɪt… ɪt—ɪz “sˈoʊ”.", "wˈeɪt… ɪt — ɪz “ sˈoʊ ” ."),
        ("ɪt; ɪz: ɪt? ɪz! 3:4 1,5", "ɪt ; ɪz : ɪt ? ɪz ! 3:4 1,5"),
        ("wˈeɪt... nˈoʊ.. ", "wˈeɪt ... nˈoʊ .."),
        ("pˈiː.ˈɛm., tˈɪpɪt.", "pˈiː.ˈɛm. , tˈɪpɪt ."),  # so it stands in the published list
        ("¿kˈe? ¡nˈo!", "¿kˈe ? ¡nˈo !"),
        ("dˈɔɡz' bˈoʊn", "dˈɔɡz ' bˈoʊn"),
        ("", ""),
    ],
)
def test_marks_are_set_apart_as_in_the_training_lists(spoken, apart):
    assert separate_marks(spoken) == apart


@pytest.mark.parametrize(
    ("language", "text", "phonemes"),
    [
        ("de", "Guten Tag, Welt!", "ɡˈuːtən tˈɑːk , vˈɛlt !"),
        ("fr-fr", "Hello, c'est bon.", None),  # an English word: no flags of language among the phonemes
    ],
)
def test_other_languages(language, text, phonemes):
    said = Phonemiser(language).phonemes(text)
    assert phonemes in (None, said)
    assert "(" not in said
    assert said.endswith(("!", "."))


@pytest.mark.parametrize(
    ("language", "near"),
    [("en-uk", "en-gb"), ("german", "de"), ("EN-US", "en-us"), ("", "codes look like"), ("pt-PT", "pt")],
)
def test_a_language_without_a_voice_is_told_with_what_is_near(language, near):
    with pytest.raises(ConfigError, match="no voice") as raised:
        Phonemiser(language)
    assert near in str(raised.value)


def test_a_data_path_too_long_for_the_library(monkeypatch, english):
    monkeypatch.setattr(espeak, "LONGEST_DATA_PATH", 10)
    monkeypatch.setattr(espeak, "_link_folder", None)
    monkeypatch.delenv("ESPEAK_DATA_PATH", raising=False)
    assert Phonemiser("en-us").phonemes("Hello there.") == english.phonemes("Hello there.")
    assert espeak._link_folder is not None
    assert "ESPEAK_DATA_PATH" not in os.environ


@pytest.mark.parametrize("package", ["phonemizer", "espeakng_loader"])
def test_a_missing_package_is_named(monkeypatch, package):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackage, match=f"pip install {package.replace('_', '-')}"):
        Phonemiser("en-us")

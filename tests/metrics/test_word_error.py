"""Error rates are jiwer's after both texts are brought to one spelling, and count edits, not words."""

import sys

import pytest

from tk_tools.errors import InputError, MissingPackage
from tk_tools.metrics.word_error import plain, word_errors


def test_one_spelling():
    assert plain("  'Hello', I DON\N{RIGHT SINGLE QUOTATION MARK}T know_it -- well-known! ") == (
        "hello i don't know it well known"
    )


def test_edits_are_counted():
    jiwer = pytest.importorskip("jiwer")
    errors = word_errors("The cat sat at that, mat", "the cat sat on the mat!")
    assert (errors.word_edits, errors.words, errors.wer) == (2, 6, pytest.approx(2 / 6))
    assert errors.cer == pytest.approx(jiwer.cer("the cat sat on the mat", "the cat sat at that mat"))
    assert word_errors("the cat", "The cat.").wer == word_errors("the cat", "The cat.").cer == 0
    assert word_errors("", "two words").wer == 1
    assert word_errors("one two three four", "one").wer == 3


def test_a_transcript_without_words_is_told():
    pytest.importorskip("jiwer")
    with pytest.raises(InputError, match="no words"):
        word_errors("hello", " ... ")


def test_without_the_package_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "jiwer", None)
    with pytest.raises(MissingPackage, match="pip install jiwer"):
        word_errors("a", "a")

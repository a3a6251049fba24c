"""What of a text a language does not read."""

import pytest

from tk_tools.text.make_phonemes import Heard, PhonemizeOptions, phonemes_of
from tk_tools.text.read_aloud import read_aloud
from tk_tools.text.scripts import unreadable


@pytest.mark.parametrize(
    ("language", "text", "told"),
    [
        ("en-us", "naïve café, “quoted” — π and 5 € 😀 №", []),
        ("en-us", "He said привет and 中文, да.", ["Cyrillic letters", "Chinese letters"]),
        ("en-us", "λόγος for 5 ₿", ["Greek letters", "'₿'"]),
        ("de", "Größe straße", []),
        ("fr-fr", "œuvre さ", ["Hiragana letters"]),
        ("es", "¿Qué? ñ Ёж", ["Cyrillic letters"]),
        ("ru", "привет world", []),
        ("ru", "привет 中文", ["Chinese letters"]),
        ("ja", "日本語のテキスト", []),
        ("cmn", "你好 world", []),
        ("cmn", "你好 かな", ["Hiragana letters"]),
        ("uk", "Їжак", []),
    ],
)
def test_letters_of_other_scripts_and_unknown_signs(language, text, told):
    assert unreadable(text, language) == told


def test_they_are_told_with_their_lines(tmp_path):
    pytest.importorskip("phonemizer")
    pytest.importorskip("sentencex")
    text = tmp_path / "text.txt"
    text.write_text("All is well here.\n\nHe said 中文 to them.\n\nAnd 中 once more.\n", encoding="utf-8")
    expected = "cannot be spoken in this language: Chinese letters (lines 3, 5)"
    rows = phonemes_of(text, PhonemizeOptions())
    assert expected in rows[0]["warning"]
    heard = Heard()
    list(read_aloud(text, 500, "en-us", heard))
    assert expected in heard.warning()

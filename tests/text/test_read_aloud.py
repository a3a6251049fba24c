"""Texts as phrases: short sentences joined, long ones cut, nothing lost, and what is to be told with its line."""

import pytest

from tk_tools.errors import InputError
from tk_tools.text.make_phonemes import Heard
from tk_tools.text.read_aloud import LONGEST_JOINED, SHORTEST, read_aloud


def phrases(path, content, longest=511, language="en-us"):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    heard = Heard()
    return list(read_aloud(path, longest, language, heard)), heard.warning()


LONG = "The quick brown fox jumps over the lazy dog"


def test_sentences_and_paragraphs_with_what_ends_there(tmp_path):
    text = f"{LONG}.\r\n{LONG}, too.\r\n\r\n{LONG}?"
    found, warning = phrases(tmp_path / "a.txt", text)
    assert [phrase.ends for phrase in found] == ["sentence", "paragraph", "paragraph"]
    assert [phrase.phonemes[-1] for phrase in found] == [".", ".", "?"]
    assert warning == ""


def test_short_sentences_are_joined_within_their_paragraph(tmp_path):
    found, _ = phrases(tmp_path / "a.txt", f"Yes. {LONG}. No.\n\nOh.\n\n{LONG}.")
    assert [phrase.ends for phrase in found] == ["paragraph"] * 3
    assert found[0].phonemes.count(".") == 3
    assert len(found[1].phonemes) < SHORTEST
    many, _ = phrases(tmp_path / "a.txt", "Yes. " * 60)
    assert len(many) > 1
    assert all(SHORTEST <= len(phrase.phonemes) <= LONGEST_JOINED for phrase in many)
    assert sum(phrase.phonemes.count("jˈɛs") for phrase in many) == 60


def test_a_long_sentence_is_cut_and_none_of_it_lost(tmp_path):
    words = ", ".join(["one two three four five"] * 12)
    whole, _ = phrases(tmp_path / "a.txt", f"{words}.")
    found, _ = phrases(tmp_path / "a.txt", f"{words}.", longest=100)
    assert max(len(phrase.phonemes) for phrase in found) <= 100
    assert [phrase.ends for phrase in found] == ["cut"] * (len(found) - 1) + ["paragraph"]
    assert " ".join(phrase.phonemes for phrase in found) == whole[0].phonemes


def test_phonemes_are_said_as_they_stand(tmp_path):
    lines = ["sˈeɪ ðˈɪs .", "a/b.wav has no bar", "ðˈɪs , ænd ðˈæt ænd ˈɔːl ðə ɹˈɛst ʌv ˌɪt tˈuː ."]
    found, warning = phrases(tmp_path / "a.phonemes.txt", "\n".join(lines), longest=30)
    assert [phrase.ends for phrase in found] == ["sentence", "sentence", "cut", "sentence"]
    assert " ".join(phrase.phonemes for phrase in found) == " ".join(lines)
    assert "'/' (line 2)" in warning
    listed, _ = phrases(tmp_path / "b.phonemes.txt", "x.wav|sˈeɪ ðˈɪs .|anna\n")
    assert listed[0].phonemes == "sˈeɪ ðˈɪs ."


def test_utterances_without_a_known_symbol_are_left_out_and_told(tmp_path):
    found, warning = phrases(tmp_path / "a.phonemes.txt", "sˈeɪ ðˈɪs .\n1234\n . , \nðˈɪs\n", longest=30)
    assert [phrase.phonemes for phrase in found] == ["sˈeɪ ðˈɪs .", "ðˈɪs"]
    assert "nothing can be spoken in lines 2, 3, left out" in warning
    assert "'1' (line 2)" in warning
    found, warning = phrases(tmp_path / "a.phonemes.txt", f"sˈeɪ ðˈɪs . {'1' * 60}", longest=30)
    assert [phrase.ends for phrase in found] == ["sentence"]  # of one that is cut, only what can be spoken
    assert "left out," not in warning
    with pytest.raises(InputError, match=r"nothing that can be spoken: .* in line 1, .*'7' \(line 1\)"):
        phrases(tmp_path / "a.phonemes.txt", "777")


def test_symbols_outside_the_table_are_told_with_their_line(tmp_path):
    _, warning = phrases(tmp_path / "a.txt", f"{LONG}.\n\nEins\nHundert \u00fcber (x) \u4e00.", language="cmn")
    assert "line 3" in warning


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "nothing that can be spoken"),
        (" \n\n \n", "nothing that can be spoken"),
        ("... --- !!!", "nothing that can be spoken"),
        (b"one\ntwo\n\xff\xfe three", "line 3 is not UTF-8"),
        (b"one \xe2\x80", "line 1 is not UTF-8"),
    ],
)
def test_what_cannot_be_said_is_refused(tmp_path, content, what):
    with pytest.raises(InputError, match=what):
        phrases(tmp_path / "a.txt", content)
    with pytest.raises(InputError, match="cannot be read"):
        list(read_aloud(tmp_path / "missing.txt", 511, "en-us", Heard()))

"""Transcripts out of lists of each usual form and out of folders; what is none of these is told with its line."""

import pytest

from tk_tools.errors import InputError
from tk_tools.files.transcripts import Transcripts


@pytest.mark.parametrize(
    ("lines", "second"),
    [
        ("a 1\tHello there.\n\nb\tIt's 3 | 4", "It's 3 | 4"),
        ("a 1|raw text|Hello there.\n\nb|it's 3|It's three", "It's three"),
        ("a 1|Hello there.\n\nb|It's 3", "It's 3"),
    ],
    ids=["tab", "ljspeech", "one bar"],
)
def test_lists(tmp_path, lines, second):
    place = tmp_path / "words.txt"
    place.write_text(f"\N{BYTE ORDER MARK}{lines}\n", encoding="utf-8")
    words = Transcripts(place)
    assert words.of("a 1") == "Hello there."
    assert words.of("b") == second
    assert words.of("c") is None


def test_a_list_with_spaces(tmp_path):
    (tmp_path / "text").write_text("1688-142285-0000 THERE'S IRON THEY SAY\n")
    assert Transcripts(tmp_path / "text").of("1688-142285-0000") == "THERE'S IRON THEY SAY"


def test_folders(tmp_path):
    (tmp_path / "p1").mkdir()
    (tmp_path / "p1" / "a.b.txt").write_text("one two\n")
    (tmp_path / "c.txt").write_text("\n")
    words = Transcripts(tmp_path)
    assert [words.of(stem) for stem in ("a.b", "c", "d")] == ["one two", None, None]
    (tmp_path / "a.b.txt").write_text("three")
    with pytest.raises(InputError, match=r"which holds the words of a\.b"):
        Transcripts(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"a\tone\nb\n", "line 2 is not a name"), (b"\n", "holds no transcript"), (b"a\t\xff\xfe\n", "not UTF-8")],
)
def test_faults(tmp_path, content, said):
    (tmp_path / "words").write_bytes(content)
    with pytest.raises(InputError, match=said):
        Transcripts(tmp_path / "words")


def test_one_separator_holds_for_the_whole_list(tmp_path):
    place = tmp_path / "text"
    place.write_text("utt1 hello | there\nutt2 yes\n")
    assert Transcripts(place).of("utt1") == "hello | there"
    place.write_text("utt1 | hello\nutt2 | yes\n")
    assert Transcripts(place).of("utt2") == "yes"


def test_a_name_with_two_transcripts_is_told(tmp_path):
    place = tmp_path / "text"
    place.write_text("utt1 hello\nutt1 goodbye\n")
    with pytest.raises(InputError, match="line 2 has other words for utt1"):
        Transcripts(place)

"""Transcripts out of lists of each usual form and out of folders; what is none of these is told with its line."""

import pytest

from tk_tools.errors import InputError
from tk_tools.files.transcripts import Transcripts


@pytest.mark.parametrize(
    "line",
    ["a 1\tHello there.", "a 1|raw text|Hello there.", "a 1|Hello there."],
    ids=["tab", "ljspeech", "one bar"],
)
def test_lists(tmp_path, line):
    place = tmp_path / "words.txt"
    place.write_text(f"\N{BYTE ORDER MARK}{line}\n\nb\tIt's 3 | 4\n", encoding="utf-8")
    words = Transcripts(place)
    assert words.of("a 1") == "Hello there."
    assert words.of("b") == "It's 3 | 4"
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

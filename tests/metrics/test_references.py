"""Pairs out of a list: every line counts, and what cannot be meant is told."""

from pathlib import Path

import pytest

from tk_tools.errors import InputError
from tk_tools.metrics.references import ReferencesByList, check_pair


def listed(tmp_path, content: bytes) -> ReferencesByList:
    (tmp_path / "pairs.tsv").write_bytes(content)
    return ReferencesByList(tmp_path / "pairs.tsv")


def test_a_list_out_of_a_spreadsheet(tmp_path):
    references = listed(tmp_path, b"\xef\xbb\xbfmade/a.mp4\treal/1.mp4\r\nmade/b.mp4\treal/2.mp4\r\n")
    assert references.made == [Path("made/a.mp4"), Path("made/b.mp4")]
    assert references.of(Path("made/a.mp4")) == Path("real/1.mp4")
    assert references.of(Path("made/b.mp4")) == Path("real/2.mp4")


def test_names_may_hold_what_ends_a_line_elsewhere(tmp_path):
    name = "a\u2028b\x0bc.mp4"
    assert listed(tmp_path, f"{name}\treal.mp4\n".encode()).made == [Path(name)]


def test_one_file_with_two_references_is_told(tmp_path):
    with pytest.raises(InputError, match=r"line 3 has another reference for a\.mp4"):
        listed(tmp_path, b"a.mp4\t1.mp4\nb.mp4\t1.mp4\na.mp4\t2.mp4\n")


def test_a_pair_of_one_file_or_of_none_is_told(tmp_path):
    one = tmp_path / "one.mp4"
    with pytest.raises(InputError, match="does not exist"):
        check_pair(one, one)
    one.touch()
    with pytest.raises(InputError, match="is its own reference"):
        check_pair(one, one)
    with pytest.raises(InputError, match=r"has no reference: .*two.mp4 does not exist"):
        check_pair(one, tmp_path / "two.mp4")

"""TextGrids in every form that Praat and aligners write; one that is damaged is never read as a shorter one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.grids import intervals, long_textgrid, short_textgrid
from tk_tools.errors import InputError
from tk_tools.files.made_from import read_provenance
from tk_tools.files.provenance import Provenance, Source
from tk_tools.files.textgrid import Phones, read_phones, write_phones

PHONES = intervals(("sil", 0.2), ("ɲ", 0.1), ('a"b', 0.05), ("", 0.1), ("AH0", 0.3))
POINTS = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 1
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "TextTier"
        name = "phones"
        xmin = 0
        xmax = 1
        points: size = 1
        points [1]:
            number = 0.5
            mark = "AH0"
"""
MADE = Provenance({"recogniser": "x"}, Source('a "b".wav + ü.txt', "blake2b:00 + blake2b:01"))


def write(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("text", [long_textgrid(PHONES), short_textgrid(PHONES)], ids=["long", "short"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_every_form_gives_the_same_phones(tmp_path, text, encoding, line_end):
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    path = write(tmp_path / "a.TextGrid", mark + text.replace("\n", line_end).encode(encoding))
    phones = read_phones(path)
    assert phones.symbols == ("sil", "ɲ", 'a"b', "", "AH0")
    np.testing.assert_array_equal(phones.times, [(start, stop) for start, stop, _ in PHONES])
    assert phones.seconds == 0.75


def test_the_tier_of_a_named_speaker(tmp_path):
    path = write(tmp_path / "a.TextGrid", long_textgrid(PHONES, tier="mary - phones").encode())
    assert len(read_phones(path).symbols) == 5


@pytest.mark.parametrize("text", [long_textgrid(PHONES), short_textgrid(PHONES)], ids=["long", "short"])
def test_a_file_cut_anywhere_is_told(tmp_path, text):
    content = text.encode()
    last = content.rindex(b'"AH0"')
    for length in range(0, last, 7):
        with pytest.raises(InputError):
            read_phones(write(tmp_path / "a.TextGrid", content[:length]))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (long_textgrid(PHONES, tier="phone").encode(), r"no tier 'phones' \(but words, phone\)"),
        (long_textgrid(PHONES, tier="words").encode(), "no tier 'phones'"),
        (POINTS.encode(), "holds points"),
        (long_textgrid(PHONES).replace("xmax = 0.2 ", "xmax = 0.0 ").encode(), "damaged"),
        (long_textgrid(PHONES).replace("xmax = 0.2 ", "xmax = 0.25 ").encode(), "damaged"),
        (long_textgrid(PHONES, end=2.0).encode(), "cut short: its tier 'phones' ends at 0.75 of 2 seconds"),
        (long_textgrid(PHONES).replace("ɲ", "é").encode("latin-1"), "neither UTF-8 nor UTF-16"),
        (b"[1, 2]", "not a TextGrid"),
        (b"{}", "not a TextGrid"),
        (bytes(500), "not a TextGrid"),
        (b"only a text\n" * 20, "not a TextGrid"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(tmp_path, content, says):
    path = write(tmp_path / "a.TextGrid", content)
    with pytest.raises(InputError, match=says) as caught:
        read_phones(path)
    assert caught.value.path == str(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_phones(tmp_path / "none.TextGrid")


@settings(max_examples=30, deadline=None)
@given(
    labels=st.lists(st.text(st.characters(categories=("L", "N", "P", "S")), max_size=4), min_size=1, max_size=8),
    length=st.floats(0.01, 3.0),
)
def test_what_is_written_is_read_again(tmp_path_factory, labels, length):
    path = tmp_path_factory.mktemp("grids") / "a.TextGrid"
    ends = np.arange(len(labels) + 1) * length
    phones = Phones(tuple(labels), np.stack([ends[:-1], ends[1:]], axis=1), float(ends[-1]))
    write_phones(path, phones, MADE)
    found = read_phones(path)
    assert found.symbols == phones.symbols
    np.testing.assert_array_equal(found.times, phones.times)
    assert found.seconds == phones.seconds
    assert read_provenance(path) == MADE


def test_the_textgrid_of_others_has_no_provenance(tmp_path):
    assert read_provenance(write(tmp_path / "a.TextGrid", long_textgrid(PHONES).encode())) is None

"""Rows are read as the tools write them, and what is no row is told with its line."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tk_tools.cli._output import _cell
from tk_tools.errors import InputError
from tk_tools.report.rows import read_table_file, read_tables

HEADER = "path\treference\tframes\tssim\terror\n"


def read(text):
    return read_tables(io.BytesIO(text if isinstance(text, bytes) else text.encode()), "table")


def test_tsv():
    ((row,),) = read(HEADER + "a/x.mp4\tb/x.mp4\t50\t0.5\t\n")
    assert (row.path, row.reference, row.error) == ("a/x.mp4", "b/x.mp4", None)
    assert row.numbers == {"frames": 50, "ssim": 0.5}
    assert row.facts == {}


def test_ndjson():
    line = {"path": "x", "ssim": 0.5, "lmd": None, "tool": "t 1", "aligned": True, "protocol": {"fps": 25, "crop": "c"}}
    ((row,),) = read(json.dumps(line))
    assert row.numbers == {"ssim": 0.5}
    assert row.facts == {"tool": "t 1", "aligned": "true", "protocol fps": "25", "protocol crop": "c"}


def test_a_failed_row_keeps_its_reason():
    ((tsv,),) = read(HEADER + "x\t\t\t\tno face\n")
    ((ndjson,),) = read('{"path": "x", "error": "no face"}')
    assert tsv == ndjson
    assert tsv.error == "no face"


def test_a_header_line_begins_another_table_and_ndjson_is_one():
    assert [len(table) for table in read(HEADER + "a\t\t\t1\t\nb\t\t\t1\t\n" + "path\tlmd\nc\t2\n")] == [2, 1]
    assert [len(table) for table in read('{"path": "a"}\n\n{"path": "b"}\n{"path": "a"}\n')] == [3]
    assert read("") == read("\n\n") == []


def test_lines_of_other_systems():
    ((row,),) = read(b"\xef\xbb\xbfpath\tssim\r\nx.mp4\t0.5\r\n")
    assert (row.path, row.numbers) == ("x.mp4", {"ssim": 0.5})


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_name_comes_back_as_the_tools_wrote_it(name):
    ((row,),) = read(f"path\treference\nx\t{_cell(name)}\n")
    assert row.reference == name


def test_a_name_that_is_not_utf_8():
    ((tsv,),) = read(b"path\tssim\nbad\xff.mp4\t1\n")
    ((ndjson,),) = read(json.dumps({"path": "bad\udcff.mp4"}))
    assert tsv.path == ndjson.path == "bad\udcff.mp4"


def test_numbers_that_are_none_are_left_out():
    ((row,),) = read('{"path": "x", "ssim": NaN, "psnr": Infinity, "lmd": 1%s}' % ("0" * 400))
    assert row.numbers == {}
    ((row,),) = read("path\tssim\tpsnr\nx\tnan\tinf\n")
    assert row.numbers == {}


def test_a_column_with_a_word_is_one_of_facts():
    first, second = read("path\tvoice\nx\t1\ny\tlow\n")[0]
    assert (first.facts, second.facts) == ({"voice": "1"}, {"voice": "low"})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a.mp4\nb.mp4\n", "does not begin with a table"),
        (HEADER, "holds a header and no row"),
        (HEADER + "a\tb\n", "line 2 has 2 cells, its header 5"),
        (HEADER + "\tb\t1\t1\t\n", "line 2 has no path"),
        (HEADER + "a\tb\t1\thigh\t\n", "line 2: ssim is 'high', not a number"),
        (HEADER + "a\\x\tb\t1\t1\t\n", r"line 2: \\x is no escape"),
        ("path\tssim\tssim\n", "line 1: a column of the header has no name of its own"),
        ('{"path": "a"}\nb\n', "line 2 is not NDJSON"),
        ('{"ssim": 1}\n', 'line 1 is not NDJSON with a "path"'),
        ('{"path": 3}\n', 'line 1 is not NDJSON with a "path"'),
        ('{"path": "a", "ssim": "high"}\n', "line 1: ssim is 'high', not a number"),
        ("{" * 100_000, "line 1 is not NDJSON"),
        (b"\x89PNG\r\n\x1a\n\0\0", "does not begin with a table"),
    ],
)
def test_what_is_no_table_is_told(content, said):
    with pytest.raises(InputError, match=said):
        read(content)


def test_a_file(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text(HEADER + "a\t\t\t1\t\n")
    assert len(read_table_file(path)) == 1
    path.write_text("")
    for unread, said in [(path, "is empty"), (tmp_path / "none.tsv", "No such file"), (tmp_path, "Is a directory")]:
        with pytest.raises(InputError, match=said):
            read_table_file(unread)

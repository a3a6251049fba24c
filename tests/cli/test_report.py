"""tk-report: rows in, the path of a page out; what is wrong is told in a line, and nothing of the user is replaced."""

import json
import os

import pytest

from tests.cli.test_common import without_roots_rights
from tests.media import write_clip
from tests.report.test_page import data_of

TSV = "path\treference\tssim\terror\n"
A = TSV + "made/x.mp4\treal/x.mp4\t0.5\t\nmade/y.mp4\treal/y.mp4\t0.7\t\n"
B = TSV + "other/x.mp4\treal/x.mp4\t0.6\t\nother/z.mp4\treal/z.mp4\t0.7\t\n"


@pytest.fixture
def report(tk, tmp_path, monkeypatch):
    """Run tk-report in an empty folder, with --out report."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, stdin=""):
        return tk("tk-report", "--out", "report", *arguments, stdin=os.fsencode(stdin))

    return call


def page(tmp_path):
    return data_of(tmp_path / "report" / "index.html")


def test_rows_of_a_stream(report, tmp_path):
    ran = report(stdin=A)
    assert (ran.code, ran.out) == (0, "report/index.html\n")
    assert [clip["name"] for clip in page(tmp_path)["clips"]] == ["x.mp4", "y.mp4"]
    assert "reading rows from standard input" in ran.err
    assert "made/x.mp4: not found from here" in ran.err
    assert "2 rows, 0 failed" in ran.err


def test_rows_of_files_and_folders(report, tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "a.tsv").write_text(A)
    (tmp_path / "lips.ndjson").write_text('{"path": "made/x.mp4", "lse_d": 7.5, "tool": "tk-eval-lse 1"}\n')
    ran = report("--json", "tables", "lips.ndjson")
    facts = json.loads(ran.out)
    assert (ran.code, facts["clips"], facts["failed"], facts["missing"]) == (0, 2, 0, 4)
    assert facts["bytes"] == (tmp_path / facts["path"]).stat().st_size
    assert page(tmp_path)["clips"][0]["in"][0]["values"] == [7.5, 0.5]


def test_quiet(report):
    assert report("-qq", stdin=A).err == ""


def test_a_table_that_cannot_be_read_is_told_and_the_others_are_done(report, tmp_path):
    (tmp_path / "a.tsv").write_text(A)
    (tmp_path / "empty.tsv").write_text("")
    (tmp_path / "short.tsv").write_text(TSV + "x\t1\n")
    ran = report("-q", "empty.tsv", "a.tsv", "short.tsv", "none.tsv")
    assert (ran.code, ran.out) == (1, "report/index.html\n")
    for said in ("empty.tsv: is empty", "short.tsv: line 2 has 2 cells", "none.tsv: cannot be read: No such file"):
        assert said in ran.err
    assert len(page(tmp_path)["clips"]) == 2


def test_without_a_row_nothing_is_made(report, tmp_path):
    ran = report(stdin="")
    assert (ran.code, ran.out) == (2, "")
    assert "Standard input gave no rows" in ran.err
    for content, said in [("x.mp4\n", "does not begin with a table"), (TSV, "holds a header and no row")]:
        ran = report(stdin=content)
        assert (ran.code, ran.out) == (1, "")
        assert f"standard input: {said}" in ran.err
    (tmp_path / "empty.tsv").write_text("")
    assert report("empty.tsv").code == 1
    assert not (tmp_path / "report").exists()


def test_the_page_of_a_second_run_replaces_the_first_and_never_a_user_s(report, tmp_path):
    assert report(stdin=A).code == 0
    first = (tmp_path / "report" / "index.html").read_bytes()
    assert report(stdin=A).code == 0
    assert (tmp_path / "report" / "index.html").read_bytes() == first
    (tmp_path / "report" / "index.html").write_text("mine")
    ran = report(stdin=A)
    assert (ran.code, ran.out) == (1, "")
    assert "report/index.html: is there already and not made by tk-report" in ran.err
    assert os.listdir(tmp_path / "report") == ["index.html"]
    assert (tmp_path / "report" / "index.html").read_text() == "mine"


def test_the_place_of_the_report_is_a_file(report, tmp_path):
    (tmp_path / "report").write_text("mine")
    ran = report(stdin=A)
    assert (ran.code, ran.out) == (1, "")
    assert "is a file; name a folder" in ran.err


def test_tables_of_a_stream_are_compared(report, tmp_path):
    ran = report("--compare", stdin=A + B)
    assert ran.code == 0
    data = page(tmp_path)
    assert (data["mode"], data["systems"]) == ("compare", ["made", "other"])
    assert [clip["name"] for clip in data["clips"]] == ["x", "y", "z"]


def test_files_are_compared_by_their_names(report, tmp_path):
    (tmp_path / "old.tsv").write_text(A)
    (tmp_path / "new.tsv").write_text(B)
    assert report("--compare", "old.tsv", "new.tsv").code == 0
    assert page(tmp_path)["systems"] == ["old", "new"]
    assert report("--compare", "--name", "before", "--name", "after", "old.tsv", "new.tsv").code == 0
    assert page(tmp_path)["systems"] == ["before", "after"]


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (["--compare"], A, "--compare needs two tables and found one"),
        (["--compare"], '{"path": "x", "ssim": 1}\n' * 2, "NDJSON of a stream is one table"),
        (["--compare", *["--name", "a"] * 3], A + B, "--name is given 3 times, for 2 systems"),
        (["--name", "a"], A, "goes with --compare"),
        (["--by", "pesq"], A, "no such measure in the rows; they have ssim"),
        (["--details", "-1"], A, "--details"),
        (["--curves", "none.sync.h5"], A, "--curves"),
        (["-", "a.tsv"], A, "cannot stand beside other inputs"),
    ],
)
def test_wrong_usage(report, tmp_path, arguments, stdin, said):
    ran = report(*arguments, stdin=stdin)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert not (tmp_path / "report").exists()


def test_systems_that_were_not_measured_alike_are_told(report, tmp_path):
    header = "path\tssim\ttool\tprotocol\n"
    tables = [
        header + f"x.mp4\t0.5\ttk-eval-video 1\twindow={window} aligned=False\n" for window in ("gaussian", "uniform")
    ]
    ran = report("-q", "--compare", stdin="".join(tables))
    assert ran.code == 0
    assert "not measured alike: tk-eval-video window (A: gaussian; B: uniform)" in ran.err
    assert "not measured alike" not in report("-q", "--compare", stdin=tables[0] * 2).err


def test_one_measure_of_one_clip_that_differs_is_told(report):
    ran = report(stdin=A + A.replace("0.5", "0.6"))
    assert (ran.code, ran.out) == (1, "")
    assert "made/x.mp4: has ssim 0.5 in one row, 0.6 in another; --compare" in ran.err


def test_a_file_that_is_no_sync_curve(report, tmp_path):
    (tmp_path / "x.sync.h5").write_text("text")
    ran = report("--curves", "x.sync.h5", stdin=A)
    assert (ran.code, ran.out) == (1, "")
    assert "x.sync.h5: " in ran.err


def test_a_clip_that_may_not_be_read_is_linked(installed, clip, tmp_path):
    clip.chmod(0)
    rows = f"path\tssim\n{clip}\t1\n".encode()
    ran = installed(
        "tk-report",
        "--out",
        "report",
        "--title",
        "bad\udcff",
        stdin=rows,
        cwd=tmp_path,
        preexec_fn=without_roots_rights,
    )
    assert (ran.code, ran.out) == (0, "report/index.html\n")
    assert f"no pictures of it: {clip}: " in ran.err
    assert page(tmp_path)["files"][0]["source"] == "../clip.mp4"


def test_a_measuring_tool_before_it(installed, tmp_path):
    (tmp_path / "real").mkdir()
    write_clip(tmp_path / "real" / "clip.mp4", frames=8, sound=None)
    write_clip(tmp_path / "clip.mp4", frames=8, sound=None, options=("-crf", "40"))
    for form in ([], ["--json"]):
        rows = installed("tk-eval-video", *form, "--no-faces", "--reference", "real", "clip.mp4", cwd=tmp_path).out
        ran = installed("tk-report", "--out", "report", stdin=rows.encode(), cwd=tmp_path)
        assert (ran.code, ran.out) == (0, "report/index.html\n")
        data = page(tmp_path)
        assert [column["key"] for column in data["columns"]] == ["ssim", "psnr", "cpbd", "frames"]
        assert [file["name"] for file in data["files"]] == ["clip.mp4", "real/clip.mp4"]
        assert all(file["source"].startswith("data:video/mp4;base64,") for file in data["files"])
        assert dict(data["facts"][0])["tool"].startswith("tk-eval-video ")


def test_the_tracks_of_one_video_are_clips_of_their_own(installed, tmp_path):
    write_clip(tmp_path / "two.mp4", frames=8, sound=None)
    table = "path\ttrack\tfirst_frame\tframes\tlse_c\ttool\terror\n"
    table += "two.mp4\t1\t0\t130\t6.5\tt 1\t\ntwo.mp4\t2\t130\t130\t2.5\tt 1\t\n"
    ran = installed("tk-report", "--out", "report", stdin=table.encode(), cwd=tmp_path)
    assert ran.code == 0, ran.err
    data = page(tmp_path)
    assert [clip["name"] for clip in data["clips"]] == ["two.mp4#1", "two.mp4#2"]
    assert [clip["in"][0]["values"] for clip in data["clips"]] == [[6.5, 0, 130], [2.5, 130, 130]]

"""The page is one file with everything in it, the same for the same rows, and no name in it becomes markup."""

import base64
import json
import re

import pytest

from tests.media import write_click_wav, write_clip
from tk_tools.errors import ConfigError, InputError
from tk_tools.report.media import shown
from tk_tools.report.page import PAGE, ReportOptions, make_page
from tk_tools.report.rows import Row
from tk_tools.report.systems import make_systems

HOSTILE = [
    "<script>alert(1)</script>.mp4",
    "</script><b>x.mp4",
    "\"quote' &amp;.mp4",
    "new\nline\t.mp4",
    "bad\udcff.mp4",
    "\u202egnp.mp4",
    "http:x.mp4",
    "a%20b#c?.mp4",
]


def systems(*tables):
    return make_systems([("", [table]) for table in tables])


def data_of(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def table(count=3, **facts):
    return [Row(f"made/{n}.mp4", numbers={"ssim": 0.9 - n / 10, "frames": 9.0}, facts=facts) for n in range(count)]


def test_one_file_that_names_nothing_outside(tmp_path):
    made = make_page(tmp_path / "out", systems(table()))
    assert [path.name for path in (tmp_path / "out").iterdir()] == [PAGE]
    text = made.path.read_text(encoding="utf-8")
    assert not re.search(r"<link|<img|<script src|@import|url\(|https?://(?!www\.w3\.org/2000/svg)", text)
    assert "default-src 'none'" in text


def test_the_same_rows_give_the_same_bytes(tmp_path, clip):
    rows = [Row(str(clip), numbers={"ssim": 0.5}, facts={"tool": "t"}), *table()]
    first, second = (make_page(tmp_path / "out", systems(rows)).path.read_bytes() for _ in range(2))
    assert first == second


def test_means_and_directions_are_said(tmp_path):
    text = make_page(tmp_path, systems(table())).path.read_text(encoding="utf-8")
    for words in ("SSIM", "↑ more is better", "0.8000", "3 clips", "95 % bootstrap interval"):
        assert words in text


def test_one_clip_claims_no_interval(tmp_path):
    assert "one clip, no interval" in make_page(tmp_path, systems(table(1))).path.read_text(encoding="utf-8")


def test_rows_keep_how_they_were_measured_once_for_all(tmp_path):
    made = make_page(tmp_path, systems(table(50, tool="tk-eval-video 1", window="gaussian")))
    data = data_of(made.path)
    assert data["facts"] == [[["tool", "tk-eval-video 1"], ["window", "gaussian"]]]
    assert [clip["in"][0]["facts"] for clip in data["clips"]] == [[0]] * 50


def test_small_clips_are_embedded_and_others_are_linked_relatively(tmp_path, clip, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [Row("clip.mp4", reference="clip.mp4", numbers={"ssim": 1.0})]
    made = make_page(tmp_path / "deep" / "out", systems(rows))
    assert not made.linked
    (file,) = data_of(made.path)["files"]
    assert base64.b64decode(file["source"].removeprefix("data:video/mp4;base64,")) == clip.read_bytes()
    made = make_page(tmp_path / "deep" / "out", systems(rows), ReportOptions(embed=0))
    assert made.linked
    assert data_of(made.path)["files"][0]["source"] == "../../clip.mp4"


def test_the_limit_is_that_of_all_clips_in_the_page(tmp_path, clip):
    (tmp_path / "b.mp4").write_bytes(clip.read_bytes())
    rows = [Row(str(path), numbers={"ssim": 1.0}) for path in (clip, tmp_path / "b.mp4")]
    enough = 2.1 * clip.stat().st_size * 4 / 3 / 1e6
    for limit, linked in [(enough, False), (enough / 2, True)]:
        assert make_page(tmp_path / "out", systems(rows), ReportOptions(embed=limit)).linked is linked


def test_pictures_of_the_worst_alone(tmp_path, clip):
    paths = [write_clip(tmp_path / f"{n}.mp4", frames=5, sound=None) for n in range(3)]
    write_click_wav(tmp_path / "3.wav")
    rows = [Row(str(path), numbers={"ssim": number}) for path, number in zip(paths, [0.5, 0.1, 0.3], strict=True)]
    rows += [Row(str(tmp_path / "3.wav"), numbers={"ssim": 0.2}), Row(str(clip), numbers={"ssim": 0.9})]
    data = data_of(make_page(tmp_path / "out", systems(rows), ReportOptions(details=3)).path)
    assert [sorted(file.keys() & {"sheet", "mel"}) for file in data["files"]] == [[], ["sheet"], ["sheet"], ["mel"], []]
    data = data_of(make_page(tmp_path / "out", systems(rows), ReportOptions(details=9)).path)
    assert [sorted(file.keys() & {"sheet", "mel"}) for file in data["files"]][4] == ["mel", "sheet"]


def test_a_clip_that_cannot_be_drawn_is_told_and_the_others_are(tmp_path, clip):
    (tmp_path / "torn.mp4").write_bytes(b"no video")
    rows = [Row(str(path), numbers={"ssim": 1.0}) for path in (tmp_path / "torn.mp4", clip)]
    told = []
    data = data_of(make_page(tmp_path / "out", systems(rows), told=told.append).path)
    assert len(told) == 1
    assert "torn.mp4: is not a media file" in told[0]
    assert ["sheet" in file for file in data["files"]] == [False, True]


def test_missing_clips_keep_their_rows(tmp_path):
    made = make_page(tmp_path, systems(table()))
    assert made.missing == ["made/0.mp4", "made/1.mp4", "made/2.mp4"]
    data = data_of(made.path)
    assert [clip["in"][0]["values"] for clip in data["clips"]] == [[0.9, 9], [0.8, 9], [0.7, 9]]
    assert {file["source"] for file in data["files"]} == {None}


def test_failed_rows_are_listed_with_their_reasons(tmp_path):
    made = make_page(tmp_path, systems([*table(), Row("made/bad.mp4", error="no <face>")]))
    assert (made.clips, made.failed) == (4, 1)
    assert "<code>made/bad.mp4</code><p>no &lt;face&gt;</p>" in made.path.read_text(encoding="utf-8")


def test_hostile_names_end_nothing_early(tmp_path):
    rows = [Row(name, reference=name, numbers={"ssim": 0.5}, facts={"<b>": "</script>"}) for name in HOSTILE]
    made = make_page(tmp_path, systems([*rows, Row("x</script>", error="<img src=x>")]), ReportOptions("</title><b>"))
    text = made.path.read_text(encoding="utf-8")
    assert text.count("</script>") == text.count("<script") == 2
    for markup in ("</title><b>", "<img", "alert(1)</script>", "<b>"):
        assert markup not in text
    assert [clip["name"] for clip in data_of(made.path)["clips"]] == [*map(shown, HOSTILE), "x</script>"]


def test_what_is_shown_of_a_name():
    assert shown("a\nb\udcff\u202e ü.mp4") == "a\\nb\\xff\\u202e ü.mp4"


def test_linked_names_are_addresses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a%20b#c?.wav", "http:x.wav", "bad\udcff.wav"):
        (tmp_path / name).write_bytes(b"RIFF")
    rows = [Row(path.name, numbers={"stoi": 1.0}) for path in sorted(tmp_path.glob("*.wav"))]
    data = data_of(make_page(tmp_path, systems(rows), ReportOptions(embed=0, details=0)).path)
    assert [file["source"] for file in data["files"]] == ["a%2520b%23c%3F.wav", "bad%FF.wav", "http%3Ax.wav"]


def test_a_user_s_file_is_kept_and_our_own_replaced(tmp_path):
    (tmp_path / PAGE).write_text("<html>mine</html>")
    with pytest.raises(InputError, match="not made by tk-report"):
        make_page(tmp_path, systems(table()))
    assert (tmp_path / PAGE).read_text() == "<html>mine</html>"
    (tmp_path / PAGE).unlink()
    make_page(tmp_path, systems(table()))
    assert len(data_of(make_page(tmp_path, systems(table(5))).path)["clips"]) == 5


def test_another_measure_of_worst(tmp_path):
    rows = [Row("a.mp4", numbers={"ssim": 0.5, "lmd": 1.0})]
    assert data_of(make_page(tmp_path, systems(rows), ReportOptions(by="lmd")).path)["by"] == "lmd"
    with pytest.raises(ConfigError, match="--by pesq: no such measure in the rows; they have ssim, lmd"):
        make_page(tmp_path, systems(rows), ReportOptions(by="pesq"))


def test_a_table_of_failures_alone_is_a_report_too(tmp_path):
    made = make_page(tmp_path, systems([Row("a.mp4", error="no face")]))
    assert "No clip has a measure." in made.path.read_text(encoding="utf-8")


def test_two_systems(tmp_path):
    rng_free = [0.11, 0.12, 0.1, 0.13, 0.12, 0.1, 0.14]
    old = [Row(f"old/{n}.mp4", numbers={"ssim": 0.5, "lmd": 1.0}) for n in range(7)]
    new = [Row(f"new/{n}.avi", numbers={"ssim": 0.5 + more, "lmd": 1.0}) for n, more in enumerate(rng_free)]
    made = make_page(tmp_path, systems([*old, Row("old/only.mp4")], new), ReportOptions(compare=True))
    text = made.path.read_text(encoding="utf-8")
    data = data_of(made.path)
    assert data["systems"] == ["old", "new"]
    assert [clip["name"] for clip in data["clips"]] == [*"0123456", "only"]
    assert data["clips"][7]["in"][1] is None
    assert "1 clip of old that not all have" in text
    assert "corrected for 2 comparisons" in text
    ssim, lmd = re.findall(r'<tr>\s*<th scope="row">.*?</tr>', text, re.DOTALL)
    assert "0.117" in ssim
    assert "0.031" in ssim  # 2 of 128 patterns, twice for Holm
    assert re.search(r'of-1">new</span></td>\s*</tr>', ssim)
    assert "no clear difference" in lmd


def test_the_verdict_does_not_hang_on_what_else_the_rows_say(tmp_path):
    def compared(*names):
        old, new = (
            [
                Row(f"{n}.wav", numbers={"wer": wer + n / 100} | {name: float(n + wer) for name in names})
                for n in range(8)
            ]
            for wer in (0.1, 0.2)
        )
        text = make_page(tmp_path, systems(old, new), ReportOptions(compare=True)).path.read_text(encoding="utf-8")
        return text, re.findall(r'<tr>\s*<th scope="row">.*?</tr>', text, re.DOTALL)

    text, rows = compared()
    assert "0.008" in rows[0]  # 2 of 256 patterns
    for names in [("words", "word_edits", "characters", "character_edits", "lag", "seconds"), ("shine", "another")]:
        more, same = compared(*names)
        assert same == rows
        assert "corrected for 1 comparison " in more
    assert "Not tested, since which direction is better is not known: another, shine." in more
    assert "Not tested" not in text


def test_what_was_not_measured_alike_is_told_where_it_counts(tmp_path):
    def of(section, text):
        return re.search(rf'<section id="{section}".*?</section>', text, re.DOTALL)[0]

    told = []
    alike, other = table(tool="t 1", protocol="by hand"), table(tool="t 1", protocol="by <ear>")
    made = make_page(tmp_path, systems(alike, other), ReportOptions(compare=True), told=told.append)
    text = made.path.read_text(encoding="utf-8")
    assert told == ["the rows were not measured alike: t protocol (A: by hand; B: by <ear>); differences mislead"]
    assert "Not measured alike." in of("comparison", text)
    assert "Not measured alike." not in of("summary", text)
    assert "by &lt;ear&gt;" in of("method", text)
    told.clear()
    text = make_page(tmp_path, systems(alike, alike), ReportOptions(compare=True), told=told.append).path.read_text()
    assert told == []
    assert 'class="notice"' not in text
    mixed = [*alike, Row("made/9.mp4", numbers={"ssim": 0.1}, facts={"tool": "t 2", "protocol": "by hand"})]
    text = make_page(tmp_path, systems(mixed), told=told.append).path.read_text()
    assert told == ["the rows were not measured alike: t tool (t 1, t 2); means mislead"]
    assert "Not measured alike." in of("summary", text)


def test_ten_thousand_rows_stay_small(tmp_path, monkeypatch):
    monkeypatch.setattr("tk_tools.metrics.intervals.RESAMPLES", 99)  # the size is asked for, not the time
    names = ("ssim", "psnr", "ssim_mouth", "psnr_mouth", "lmd", "identity", "lpips", "cpbd")
    rows = [
        Row(
            path=f"made/speaker {n % 97}/a clip with a rather long name {n:05d}.mp4",
            reference=f"real/speaker {n % 97}/a clip with a rather long name {n:05d}.mp4",
            numbers={name: (n * 7919 + place * 104729) % 10007 / 10007 for place, name in enumerate(names)},
            facts={"tool": "tk-eval-video 1", "window": "gaussian"},
        )
        for n in range(10_000)
    ]
    assert make_page(tmp_path, systems(rows)).path.stat().st_size < 20e6

"""Tables of one clip are joined, systems are named and paired by clip."""

import pytest

from tk_tools.errors import InputError
from tk_tools.report.rows import Row
from tk_tools.report.systems import by_stem, columns_of, common_folder, join_tables, make_systems


def row(path, **numbers):
    return Row(path, numbers=numbers)


def test_what_two_tools_said_of_a_clip_is_joined():
    lips = [Row("a/x.mp4", numbers={"lse_d": 7, "frames": 96}, facts={"tool": "l"}), Row("a/y.mp4", error="no sound")]
    pictures = [Row("./a/x.mp4", reference="r/x.mp4", numbers={"ssim": 0.9, "frames": 100}, facts={"tool": "v"})]
    x, y = join_tables([lips, pictures], "").clips
    assert (x.path, x.reference, x.stem) == ("a/x.mp4", "r/x.mp4", "x")
    assert x.numbers == {"lse_d": 7, "frames": 96, "ssim": 0.9}
    assert x.facts == [{"tool": "l"}, {"tool": "v"}]
    assert y.errors == ["no sound"]


def test_a_clip_measured_twice_and_otherwise_is_told():
    assert join_tables([[row("x", ssim=0.5)], [row("x", ssim=0.5)]], "").clips[0].numbers == {"ssim": 0.5}
    with pytest.raises(InputError, match=r"has ssim 0\.5 in one row, 0\.6 in another; --compare"):
        join_tables([[row("x", ssim=0.5)], [row("x", ssim=0.6)]], "")


def test_options_among_the_numbers_are_facts():
    clips = join_tables([[row("x", rate=25, shine=1, ssim=1), row("y", rate=25, shine=2, ssim=1)]], "").clips
    assert [clip.numbers for clip in clips] == [{"shine": 1, "ssim": 1}, {"shine": 2, "ssim": 1}]
    assert [clip.facts for clip in clips] == [[{"rate": "25"}]] * 2


def test_columns_stand_in_the_order_of_the_box():
    system = join_tables([[row("x", shine=1, psnr=1, frames=3, lse_c=1, another=1)]], "")
    assert columns_of([system]) == (["lse_c", "psnr", "another", "shine"], ["frames"])


def test_names_of_systems():
    def names(paths, suggested, *given):
        return [s.name for s in make_systems([(n, [[row(p)]]) for p, n in zip(paths, suggested, strict=True)], given)]

    assert names(["old/x", "new/x"], ["", ""]) == ["old", "new"]
    assert names(["out/x", "out/x"], ["", ""]) == ["A", "B"]
    assert names(["out/x", "out/x"], ["old", "new"]) == ["old", "new"]
    assert names(["old/x", "new/x"], ["", ""], "first") == ["first", "new"]
    assert names(["old/x", "new/x"], ["", ""], "new") == ["new", "B"]


def test_clips_are_paired_by_name():
    assert list(by_stem(join_tables([[row("a/x.mp4"), row("a/y.face.h5")]], "s"))) == ["x", "y"]
    with pytest.raises(InputError, match=r"has the name of a/x\.mp4 in one table \(s\)"):
        by_stem(join_tables([[row("a/x.mp4"), row("b/x.avi")]], "s"))


def test_the_folder_that_all_lie_in():
    def folder(*paths):
        return common_folder(join_tables([[row(path) for path in paths]], "").clips)

    assert folder("a/b/x", "a/b/y") == "a/b"
    assert folder("a/b/x", "a/c/y") == "a"
    assert folder("/a/x", "a/x") == folder("x", "y") == ""

"""Clips of no use are sorted out first, and told once; the others are divided, the same way when clips are added."""

import pytest

from tests.train.helpers import Told
from tests.train.toy import make_clips
from tk_tools.errors import InputError
from tk_tools.train.clips import Listed, choose_clips, sift, split_clips

SUFFIXES = (".toy.txt",)


def number_in(path):
    text = path.read_text()
    if text == "bad":
        raise InputError("is no clip", path=path)
    return float(text)


def choose(train, val=(), log=None, told=None):
    told = set() if told is None else told
    return choose_clips(train, val, number_in, share=0.1, seed=0, suffixes=SUFFIXES, log=log or Told(), told=told)


def test_whichever_clip_is_bad_the_others_are_divided(tmp_path):
    clips = make_clips(tmp_path, 4)
    for bad in clips:
        before = bad.read_text()
        bad.write_text("bad")
        log = Told()
        train, val = choose(clips, log=log)
        assert log.lines == [f"left out: {bad}: is no clip"]
        assert (len(train), len(val)) == (2, 1)
        assert {*train, *val} == {*clips} - {bad}
        bad.write_text(before)


def test_a_line_is_told_once_for_all_stages(tmp_path):
    clips = make_clips(tmp_path, 3)
    clips[0].write_text("bad")
    log, told = Told(), set()
    choose(clips, log=log, told=told)
    choose(clips, log=log, told=told)
    assert len(log.lines) == 1


def test_a_single_usable_clip_goes_to_both(tmp_path):
    clips = make_clips(tmp_path, 2)
    clips[1].write_text("bad")
    log = Told()
    assert choose(clips, log=log) == ({clips[0]: 0.0}, {clips[0]: 0.0})
    assert "one clip only: it is trained on and validated on" in log.lines[1]
    split_clips(clips[:1], share=0.1, seed=0, suffixes=SUFFIXES, log=log, parts_held_out=True)
    assert "one clip only: a part of it is held out and validated on" in log.lines[2]


def test_given_clips_are_validated_on(tmp_path):
    clips = make_clips(tmp_path, 5)
    clips[4].write_text("bad")
    train, val = choose(clips[:3], clips[3:])
    assert (list(train), list(val)) == (clips[:3], [clips[3]])


def test_nothing_usable_is_one_fault(tmp_path):
    clips = make_clips(tmp_path, 2)
    for clip in clips:
        clip.write_text("bad")
    with pytest.raises(InputError, match="none of the 2 clips for training can be used"):
        choose(clips)
    log = Told()
    with pytest.raises(InputError, match="is no clip; it is the only clip for training") as caught:
        sift(clips[:1], number_in, what="training", log=log, told=set())
    assert caught.value.path == str(clips[0])
    assert log.lines == []


def test_split_stays_when_clips_are_added(tmp_path):
    clips = make_clips(tmp_path / "clips", 200)
    few = split_clips(clips[:120], share=0.1, seed=0, suffixes=SUFFIXES, log=Told())
    many = split_clips(clips, share=0.1, seed=0, suffixes=SUFFIXES, log=Told())
    assert set(few[0]) <= set(many[0])
    assert set(few[1]) <= set(many[1])
    assert 8 <= len(many[1]) <= 32
    assert not set(many[0]) & set(many[1])


def test_each_line_of_a_list_is_a_clip(tmp_path):
    """Told with list and line, split by the recordings' names as if these had been given by themselves."""
    clips = make_clips(tmp_path, 6)
    fault = InputError("line 3 has no text", path=tmp_path / "a.list")
    lists = {
        tmp_path / "a.list": Listed({clip: float(clip.read_text()) for clip in clips[:4]}, [fault]),
        tmp_path / "b.list": Listed({clip: float(clip.read_text()) for clip in clips[3:]}),
    }

    def choose_listed(train, val=(), log=None):
        options = {"share": 0.1, "seed": 0, "suffixes": SUFFIXES, "log": log or Told(), "told": set()}
        return choose_clips(train, val, lists.__getitem__, **options)

    log = Told()
    assert choose_listed(lists, log=log) == choose(clips)
    assert log.lines == [f"left out: {fault}"]
    first, second = lists
    train, val = choose_listed([first], [second])
    assert (list(train), list(val)) == (clips[:3], clips[3:])  # clips[3] stands in both


def test_a_list_without_a_clip_is_told(tmp_path):
    faults = [InputError(f"line {line} is faulty", path=tmp_path / "a.list") for line in (1, 2)]
    with pytest.raises(InputError, match="line 1 is faulty; it is the only clip for training"):
        sift([tmp_path], lambda _: Listed({}, faults[:1]), what="training", log=Told(), told=set())
    log = Told()
    with pytest.raises(InputError, match="none of the 2 clips for training can be used"):
        sift([tmp_path], lambda _: Listed({}, faults), what="training", log=log, told=set())
    assert log.lines == [f"left out: {fault}" for fault in faults]

"""tk-split-list: lists that stay the same when clips are added."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tk_tools.files.split import split_of


def lists(folder):
    return {name: (folder / f"{name}.txt").read_text().splitlines() for name in ("train", "val", "test")}


@pytest.fixture
def split(tk, tmp_path):
    def call(names, *options):
        stdin = "\n".join(names).encode()
        ran = tk("tk-split-list", *options, "-", tmp_path / "lists", stdin=stdin)
        assert ran.code == 0, ran.err
        assert ran.paths == [tmp_path / "lists" / f"{name}.txt" for name in ("train", "val", "test")]
        return lists(tmp_path / "lists")

    return call


@pytest.fixture
def faces(tmp_path):
    folder = tmp_path / "faces"
    paths = [folder / f"speaker{k % 7}" / f"clip.{k}.face.h5" for k in range(300)]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return [str(path) for path in paths]


def test_shares_are_about_those_asked_for(split, faces):
    found = split(faces, "--val", "0.2", "--test", "0.1")
    assert sum(map(len, found.values())) == 300
    assert 35 < len(found["val"]) < 85
    assert 12 < len(found["test"]) < 50


def test_a_clip_keeps_its_list_when_others_come_or_go(split, faces):
    options = ("--val", "0.2", "--test", "0.1")
    whole, half = split(faces, *options), split(faces[::2], *options)
    for name, clips in half.items():
        assert set(clips) == set(whole[name]) & set(faces[::2])


def test_by_folder_keeps_a_speaker_together(split, faces):
    found = split(faces, "--by", "folder", "--val", "0.4", "--test", "0")
    speakers = {name: {path.split("/")[-2] for path in clips} for name, clips in found.items()}
    assert speakers["val"]
    assert not speakers["train"] & speakers["val"]


def test_a_folder_and_the_files_in_it_count_once(split, faces, tmp_path):
    found = split([str(tmp_path / "faces"), *faces])
    assert sum(map(len, found.values())) == 300


def test_facts_as_ndjson(tk, faces, tmp_path):
    ran = tk("tk-split-list", "--json", "--test", "0", tmp_path / "faces", tmp_path / "lists")
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert [row["set"] for row in rows] == ["train", "val", "test"]
    assert [row["clips"] for row in rows] == [len(clips) for clips in lists(tmp_path / "lists").values()]
    assert rows[0]["path"] == str(tmp_path / "lists" / "train.txt")
    assert rows[2]["clips"] == 0


def test_a_list_without_clips_is_told_unless_it_has_no_share(tk, tmp_path):
    clip = tmp_path / "clip.face.h5"
    clip.touch()
    ran = tk("tk-split-list", "-q", "--val", "0.1", "--test", "0", clip, tmp_path / "lists")
    assert ran.code == 0
    (told,) = ran.err.splitlines()
    assert f"{tmp_path / 'lists' / 'val.txt'}: no clip fell into this list" in told
    ran = tk("tk-split-list", "-q", "--val", "0", "--test", "0", clip, tmp_path / "lists")
    assert (ran.code, ran.err) == (0, "")
    ran = tk("tk-split-list", "-q", "--val", "0.7", "--test", "0.3", clip, tmp_path / "lists")
    assert "train.txt" not in ran.err


def test_shares_over_one_are_refused(tk, tmp_path):
    ran = tk("tk-split-list", "--val", "0.7", "--test", "0.7", tmp_path, tmp_path / "lists")
    assert ran.code == 2


@given(st.text(st.characters(blacklist_categories=("Cs",)), max_size=20), st.integers(0, 5))
def test_growing_the_first_share_takes_no_clip_out_of_it(name, seed):
    small = split_of(name, seed, {"val": 0.1, "train": 0.9})
    large = split_of(name, seed, {"val": 0.3, "train": 0.7})
    assert not (small == "val" and large != "val")


def test_nothing_to_list_leaves_the_lists_that_are_there(tk, split, faces, tmp_path):
    before = split(faces)
    (tmp_path / "wrong").mkdir()
    ran = tk("tk-split-list", tmp_path / "wrong", tmp_path / "lists")
    assert (ran.code, ran.out) == (1, "")
    assert "another --seed" not in ran.err
    assert lists(tmp_path / "lists") == before


def test_a_name_with_a_line_break_is_told_and_the_others_are_listed(tk, tmp_path):
    for name in ("a.face.h5", "b\nc.face.h5"):
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).touch()
    ran = tk("tk-split-list", "-q", tmp_path / "in", tmp_path / "lists")
    assert ran.code == 1
    assert "line break" in ran.err
    assert sum(map(len, lists(tmp_path / "lists").values())) == 1


def test_paths_that_fall_out_of_the_lists_are_told(tk, split, faces, tmp_path):
    split(faces[:20])
    assert "none any more" not in tk("tk-split-list", "-q", tmp_path / "faces", tmp_path / "lists").err
    (tmp_path / "lists" / "train.txt").write_text("mine.face.h5\n")
    assert "1 of the" in tk("tk-split-list", "-q", tmp_path / "faces", tmp_path / "lists").err

"""From operands to files and from files to results: nothing is lost, and no two inputs share a result."""

import io
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tk_tools.errors import InputError
from tk_tools.files.find import VIDEO_SUFFIXES, Found, Targets, by_folder, find_files, read_paths, shard, stem_of

PARTS = st.sampled_from(["a", "b", "c d", "ü", "a.b", "-x"])
FILES = st.builds(lambda parts, stem, suffix: Path("/", *parts, stem + suffix), st.lists(PARTS, max_size=3), PARTS,
                  st.sampled_from([".mp4", ".MOV", ".mkv", ""]))  # fmt: skip


@given(paths=st.lists(FILES, unique=True, max_size=12), searched=st.booleans())
@settings(deadline=None)
def test_no_two_inputs_share_a_result(paths, searched):
    found = [Found(path, below=Path("/") if searched else None) for path in paths]
    targets = Targets(Path("out"), VIDEO_SUFFIXES, ".face.h5")
    results = {}
    for item in found:
        try:
            results[item.path] = targets.target(item)
        except InputError:
            assert not searched or len({stem_of(path, VIDEO_SUFFIXES) for path in paths}) < len(paths)
    assert len(set(results.values())) == len(results)
    assert all(target.is_relative_to("out") and target.name.endswith(".face.h5") for target in results.values())
    again = Targets(Path("out"), VIDEO_SUFFIXES, ".face.h5")
    assert {item.path: again.target(item) for item in found if item.path in results} == results


def test_only_what_cannot_be_told_apart_is_refused():
    targets = Targets(Path("out"), VIDEO_SUFFIXES, ".wav")
    assert targets.target(Found(Path("/x/a.mp4"))) == Path("out/a.wav")
    assert targets.target(Found(Path("/y/a.mp4"))) == Path("out/y/a.wav")
    assert targets.target(Found(Path("/z/y/a.mp4"))) == Path("out/z/y/a.wav")
    assert targets.target(Found(Path("/x/a.mov"))) == Path("out/x/a.wav")
    assert targets.target(Found(Path("/x/a.mp4"))) == Path("out/a.wav"), "the same input again"


def test_sub_folders_are_kept():
    targets = Targets(Path("out"), VIDEO_SUFFIXES, ".wav")
    assert targets.target(Found(Path("in/x/a.mp4"), below=Path("in"))) == Path("out/x/a.wav")
    assert targets.target(Found(Path("in/y/a.mp4"), below=Path("in"))) == Path("out/y/a.wav")


@given(items=st.lists(st.integers(), max_size=50), count=st.integers(1, 7))
def test_the_shards_are_the_whole(items, count):
    shards = [list(shard(items, index, count)) for index in range(1, count + 1)]
    assert sorted(item for part in shards for item in part) == sorted(items)
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a.b.mp4", "a.b"),
        ("a.MP4", "a"),
        ("a.face.h5", "a"),
        ("a.b.face.h5", "a.b"),
        ("a", "a"),
        (".mp4", ".mp4"),
        ("a.xyz", "a"),
    ],
)
def test_stems_are_not_cut_at_the_first_dot(name, stem):
    assert stem_of(Path("/x.y", name), (".mp4", ".h5", ".face.h5")) == stem


def test_folders_are_searched_in_order_and_hidden_files_are_left(tmp_path):
    for name in ("b/2.mp4", "b/1.MP4", "a/3.mkv", "c.mp4", ".hidden.mp4", ".git/4.mp4", "note.txt", "b/.tk-1~x.mp4"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = [str(item.path.relative_to(tmp_path)) for item in find_files(tmp_path, VIDEO_SUFFIXES)]
    assert found == ["c.mp4", "a/3.mkv", "b/1.MP4", "b/2.mp4"]


def test_links_that_form_a_ring_end(tmp_path):
    (tmp_path / "a.mp4").touch()
    (tmp_path / "ring").symlink_to(tmp_path)
    assert len(list(find_files(tmp_path, VIDEO_SUFFIXES))) == 1


def test_a_folder_with_nothing_of_the_kind_is_told(tmp_path):
    with pytest.raises(InputError, match=r"holds no file of the kinds .*\.mp4"):
        list(find_files(tmp_path, VIDEO_SUFFIXES))


NAMES = st.binary(min_size=1, max_size=30).filter(lambda name: b"\0" not in name)


@given(names=st.lists(NAMES, max_size=20))
@settings(deadline=None)
def test_paths_with_nul_come_through_byte_for_byte(names):
    stream = io.BytesIO(b"".join(name + b"\0" for name in names))
    assert [os.fsencode(path) for path in read_paths(stream, null=True)] == [
        os.fsencode(Path(os.fsdecode(n))) for n in names
    ]


@given(names=st.lists(NAMES.map(os.fsdecode), max_size=20))
@settings(deadline=None)
def test_ndjson_carries_any_name(names):
    stream = io.BytesIO(b"".join(json.dumps({"path": name}).encode() + b"\n" for name in names))
    assert list(read_paths(stream)) == [Path(name) for name in names]


def test_lines(tmp_path):
    stream = io.BytesIO(b'a.mp4\r\n\nb c.mp4\n{"path": "d.mp4", "frames": 3}\nlast.mp4')
    assert list(read_paths(stream)) == [Path("a.mp4"), Path("b c.mp4"), Path("d.mp4"), Path("last.mp4")]


@pytest.mark.parametrize("line", [b"{not json", b'{"file": "a"}', b'{"path": 3}', b'{"path": null}', b"[1"])
def test_a_line_that_is_no_ndjson(line):
    if line.startswith(b"{"):
        with pytest.raises(InputError, match="line 2 of standard input"):
            list(read_paths(io.BytesIO(b"a\n" + line + b"\n")))
    else:
        assert list(read_paths(io.BytesIO(line))) == [Path(line.decode())]


def test_a_folder_is_found_once_with_its_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    below = Path("wavs")
    listed = [Found(below / "b.wav", below), Found(below / "p1" / "a.wav", below), Found(below / "p1/x/c.wav", below)]
    listed += [Found(Path("d.wav")), Found(below / "p1" / "e.wav")]
    found = list(by_folder(listed))
    assert [item.path for item in found] == [below, below / "p1", below / "p1" / "x", tmp_path]
    assert [len(item.files) for item in found] == [1, 2, 1, 1]
    targets = Targets(Path("out"), (".wav",), ".embed.h5", stem=lambda folder: folder.name)
    names = ["wavs", "p1", "p1/x", tmp_path.name]
    assert [targets.target(item) for item in found] == [Path("out", f"{name}.embed.h5") for name in names]

"""Files appear whole or not at all, under any name, and never at the cost of what was there."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tk_tools.errors import OutputError
from tk_tools.files.atomic import atomic_path, sweep, temporary_name

CHARACTERS = st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",))
NAMES = st.text(CHARACTERS, min_size=1, max_size=60).filter(lambda name: name not in (".", ".."))


@given(name=NAMES, fails=st.booleans(), before=st.none() | st.binary(max_size=20), content=st.binary(max_size=100))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whole_or_not_at_all(tmp_path_factory, name, fails, before, content):
    folder = tmp_path_factory.mktemp("atomic")
    target = folder / name
    if before is not None:
        target.write_bytes(before)
    try:
        with atomic_path(target) as temporary:
            assert temporary.parent == folder
            assert temporary.name.startswith(".tk-")
            assert not target.exists() or target.read_bytes() == before
            temporary.write_bytes(content)
            if fails:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert fails
    expected = before if fails else content
    assert [path.read_bytes() for path in folder.iterdir()] == ([] if expected is None else [expected])


def test_the_suffix_is_kept_and_the_longest_names_work(tmp_path):
    for name in ("a.frames.h5", "ä" * 120 + ".face.h5", "x" * 252 + ".h5"):
        temporary = temporary_name(tmp_path / name)
        assert temporary.name.endswith(".h5")
        assert len(os.fsencode(temporary.name)) <= 255
        with atomic_path(tmp_path / name) as temporary:
            temporary.write_text("whole")
        assert (tmp_path / name).read_text() == "whole"
    assert temporary_name(tmp_path / "a") != temporary_name(tmp_path / "a")


def test_a_failed_check_leaves_the_target_as_it_was(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def check(path):
        assert path.read_text() == "torn"
        raise OutputError("is not whole", path=target)

    with pytest.raises(OutputError, match="not whole"), atomic_path(target, check=check) as temporary:
        temporary.write_text("torn")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_missing_folders_are_made(tmp_path):
    with atomic_path(tmp_path / "a" / "b" / "c.txt") as temporary:
        temporary.write_text("x")
    assert (tmp_path / "a" / "b" / "c.txt").read_text() == "x"


def test_what_cannot_be_written_is_told_in_one_line(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for target in (tmp_path / "file" / "a.txt", tmp_path / "folder", tmp_path / ("x" * 300)):
        with pytest.raises(OutputError) as error, atomic_path(target) as temporary:
            temporary.write_text("x")
        assert str(error.value).startswith(f"{target}: cannot be written: ")
        assert "\n" not in str(error.value)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_a_users_hidden_files_are_not_swept(tmp_path):
    for name in (".tk-mine", ".hidden", ".tk-00000000-1-00000000.txt", "a.tk-12345678-1-12345678~"):
        (tmp_path / name).touch()
    assert sweep(tmp_path) == 0
    assert len(os.listdir(tmp_path)) == 4
    assert sweep(tmp_path / "none") == 0

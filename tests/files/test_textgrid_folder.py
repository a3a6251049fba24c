"""Each sound gets the TextGrid of its name and folder, and never that of another sound."""

from pathlib import Path

import pytest

from tk_tools.errors import InputError
from tk_tools.files.textgrid_folder import match_textgrids


@pytest.fixture
def match(tmp_path, monkeypatch):
    """match(sounds, grids): names below wavs/ and grids/ -> {sound: grid}, {sound: fault}, unused grids."""
    monkeypatch.chdir(tmp_path)

    def call(sounds, grids):
        for grid in grids:
            path = Path("grids", f"{grid}.TextGrid")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

        def name(path):
            return str(path.relative_to(path.parts[0]).with_suffix(""))

        matched = match_textgrids([Path("wavs", f"{sound}.wav") for sound in sounds], Path("grids"))
        of = {name(sound): name(grid) for sound, grid in matched.of.items()}
        return of, {name(sound): str(fault) for sound, fault in matched.faults.items()}, list(map(name, matched.unused))

    return call


def test_the_same_folders(match):
    names = ["10/a", "20/a", "20/b"]
    assert match(names, names) == ({name: name for name in names}, {}, [])


def test_names_alone_where_they_are_unique(match):
    assert match(["10/chapter/a", "b"], ["a", "10/b"])[0] == {"10/chapter/a": "a", "b": "10/b"}


def test_the_folder_decides_between_equal_names(match):
    of, faults, unused = match(["10/a"], ["10/a", "20/a", "a"])
    assert (of, faults) == ({"10/a": "10/a"}, {})
    assert unused == ["a", "20/a"]


def test_a_sound_beside_the_folders_has_its_textgrid_beside_them(match):
    assert match(["a", "10/a", "20/a"], ["a", "10/a", "20/a"])[0] == {"a": "a", "10/a": "10/a", "20/a": "20/a"}


def test_the_textgrid_of_another_sound_is_not_taken(match):
    of, faults, _ = match(["10/a", "20/a"], ["10/a"])
    assert of == {"10/a": "10/a"}
    assert "wavs/20/a.wav: has no TextGrid of its own: grids/10/a.TextGrid fits wavs/10/a.wav" in faults["20/a"]


def test_where_it_cannot_be_told_none_is_taken(match):
    of, faults, _ = match(["10/a", "20/a"], ["a"])
    assert (of, len(faults)) == ({}, 2)
    of, faults, _ = match(["10/b"], ["x/b", "y/b"])
    assert of == {}
    assert "may belong to grids/" in faults["10/b"]


def test_a_name_is_never_cut_at_its_first_dot(match):
    of, faults, _ = match(["a.b", "a"], ["a.b"])
    assert of == {"a.b": "a.b"}
    assert "no a.TextGrid in grids" in faults["a"]


def test_a_folder_without_textgrids(tmp_path):
    with pytest.raises(InputError, match="holds no file"):
        match_textgrids([], tmp_path)

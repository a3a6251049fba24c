"""What lies beside a clip is found by its name, wherever it lies; what would be a guess is refused."""

from pathlib import Path

import pytest

from tk_tools.errors import InputError
from tk_tools.files.companions import Companions


def companions(*paths):
    return Companions(map(Path, paths), (".embed.h5", "_embed.npy"), "tk-embed")


def test_found_by_name_in_another_folder():
    found = companions("embeds/a.embed.h5", "embeds/b.embed.h5", "mels/a.mel.h5")
    assert found.of(Path("mels/a.mel.h5"), "a") == Path("embeds/a.embed.h5")


def test_of_two_with_one_name_that_of_the_same_folder_is_meant():
    found = companions("embeds/one/a.embed.h5", "embeds/two/a.embed.h5")
    assert found.of(Path("mels/two/a.mel.h5"), "a") == Path("embeds/two/a.embed.h5")


def test_the_seed_toolkits_names_are_read():
    found = companions("data/embeds/p1/p1_001_embed.npy")
    assert found.of(Path("data/mels/p1/p1_001_mel.npy"), "p1_001") == Path("data/embeds/p1/p1_001_embed.npy")


def test_a_missing_one_is_named_with_the_tool_that_makes_it():
    with pytest.raises(InputError, match=r"mels/b.mel.h5: there is no b.embed.h5 .*tk-embed"):
        companions("embeds/a.embed.h5").of(Path("mels/b.mel.h5"), "b")


def test_two_that_fit_equally_well_are_no_choice():
    with pytest.raises(InputError, match="equally well"):
        companions("old/a.embed.h5", "new/a.embed.h5").of(Path("mels/a.mel.h5"), "a")


def test_nothing_of_the_kind_is_false():
    assert [bool(companions(name)) for name in ("a.mel.h5", "a.embed.h5")] == [False, True]

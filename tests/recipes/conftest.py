"""Recordings that recipes for voices begin with."""

import pytest

from tests.recipes.shell import shell


@pytest.fixture(scope="session")
def voices(tmp_path_factory):
    """A folder with two speakers, of three made recordings each."""
    folder = tmp_path_factory.mktemp("recipe") / "my voices"
    made = shell("tk-demo-data", "--speakers", 2, "--clips", 3, folder)
    assert made.returncode == 0, made.stderr
    return folder

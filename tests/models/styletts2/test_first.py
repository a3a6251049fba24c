"""Stage first through the loop: it learns, resumes to the same numbers, and hands on what the second stage reads."""

import pytest

from tests.models.styletts2.recordings import write_list
from tests.models.styletts2.stages import numbers, train, write_listeners
from tests.train.helpers import same
from tk_tools.train import checkpoint
from tk_tools.train.run_folder import RunFolder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A list of recordings, and what listens."""
    folder = tmp_path_factory.mktemp("first")
    return write_list(folder / "wavs"), write_listeners(folder)


def test_resumed_inside_an_epoch_equals_unbroken(tmp_path, made):
    shape = {"checkpoint_every": 2, "validate_every": 3, "epoch_steps": 1, "adversarial_from": 2.0}
    train("first", tmp_path / "unbroken", *made, **shape, max_steps=4)
    train("first", tmp_path / "broken", *made, **shape, max_steps=3)
    train("first", tmp_path / "broken", *made, **shape, max_steps=4)
    first, second = (checkpoint.load(RunFolder(tmp_path / name).checkpoint(4)) for name in ("unbroken", "broken"))
    for part in ("modules", "optimizers", "task"):
        assert same(first[part], second[part])
    for column in ("train/loss", "train/discriminators"):
        assert numbers(tmp_path / "unbroken", column) == numbers(tmp_path / "broken", column)
    assert [value > 0 for value in numbers(tmp_path / "unbroken", "train/spelling")] == [False, False, True, True]

"""Stage first in two processes that torchrun started: a resume to the same numbers, inside an epoch."""

import pytest

from tests.models.styletts2.recordings import write_list
from tests.models.styletts2.stages import SMALL, write_listeners
from tests.train.processes import assert_equal_runs, train

SETTINGS = {f"sizes.{name}": value for name, value in SMALL["sizes"].items()} | {
    name: value for name, value in SMALL.items() if name != "sizes"
}


@pytest.mark.slow
def test_resumed_equals_unbroken(tmp_path):
    needs = write_listeners(tmp_path)
    listed = write_list(tmp_path / "wavs")
    given = ("styletts2", "--stage", "first", "--aligner", needs["aligner"], "--pitch", needs["pitch"], listed)
    shape = SETTINGS | {"checkpoint_every": 2, "validate_every": 2, "epoch_steps": 1, "adversarial_from": 1.0}
    for name, steps in (("broken", 2), ("broken", 3), ("unbroken", 3)):
        done = train(*given, "--out", tmp_path / name, **shape | {"max_steps": steps})
        assert (done.returncode, done.stdout) == (0, f"{tmp_path / name}/best.safetensors\n"), done.stderr
    assert_equal_runs(tmp_path / "broken", tmp_path / "unbroken", 3)

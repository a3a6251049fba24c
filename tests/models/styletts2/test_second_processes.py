"""The second stage in two processes, one of which may have nothing for the adversary: no wait for one another, and a
resume to the same numbers."""

import pytest

from tests.models.styletts2.recordings import write_list
from tests.models.styletts2.stages import config_of, numbers
from tests.models.styletts2.test_second import PHASES, write_first, write_wavlm
from tests.train.processes import assert_equal_runs, train
from tk_tools.train.config import as_yaml


@pytest.mark.slow
def test_resumed_equals_unbroken(tmp_path):
    write_list(tmp_path / "wavs", count=5, seconds=0.7)  # 45 steps and 2 more in each, with their quiet ends
    write_wavlm(tmp_path / "wavlm")
    write_first(tmp_path / "first.safetensors", config_of("second", **PHASES))
    bounds = {"adversary": {"shortest": 94, "longest": 94, "share": 1.0, "every": 1}}
    shape = PHASES | {"wavlm": str(tmp_path / "wavlm"), "checkpoint_every": 3, "validate_every": 5, **bounds}
    (tmp_path / "config.yaml").write_text(as_yaml(config_of("second", **shape | {"batch_size": 1})))
    given = ("styletts2", "--stage", "second", "--config", "config.yaml", "--init", "first.safetensors", "wavs")
    for name, steps in (("broken", 3), ("broken", 5), ("unbroken", 5)):
        done = train(*given, "--out", name, folder=tmp_path, max_steps=steps)
        assert (done.returncode, done.stdout) == (0, f"{name}/best.safetensors\n"), done.stderr
    unbroken = assert_equal_runs(tmp_path / "broken", tmp_path / "unbroken", 5, ("modules", "optimizers", "task"))
    assert unbroken["task"]["adversary_due"] == 3
    assert unbroken["task"]["adversary_steps"] > 0
    assert numbers(tmp_path / "broken", "train/loss") == numbers(tmp_path / "unbroken", "train/loss")

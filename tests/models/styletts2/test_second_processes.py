"""The second stage in two processes, one of which may have nothing for the adversary: no wait for one another, and a
resume to the same numbers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.hifigan.test_processes import TORCHRUN
from tests.models.styletts2.recordings import write_list
from tests.models.styletts2.stages import config_of, numbers
from tests.models.styletts2.test_second import PHASES, write_first, write_wavlm
from tests.train.helpers import same
from tk_tools.train import checkpoint
from tk_tools.train.config import as_yaml
from tk_tools.train.run_folder import RunFolder

ROOT = Path(__file__).parents[3]


def train(folder, out, steps, **values):
    config = config_of("second", **PHASES | values | {"batch_size": 1, "max_steps": steps})
    (folder / "config.yaml").write_text(as_yaml(config))
    command = [sys.executable, *TORCHRUN, "styletts2", "--stage", "second", "--config", folder / "config.yaml"]
    return subprocess.run(
        [*command, "--init", folder / "first.safetensors", "--out", out, folder / "wavs"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_resumed_equals_unbroken(tmp_path):
    write_list(tmp_path / "wavs", count=5, seconds=0.7)  # 45 steps and 2 more in each, with their quiet ends
    write_wavlm(tmp_path / "wavlm")
    write_first(tmp_path / "first.safetensors", config_of("second", **PHASES))
    bounds = {"adversary": {"shortest": 94, "longest": 94, "share": 1.0, "every": 1}}
    shape = {"wavlm": str(tmp_path / "wavlm"), "checkpoint_every": 3, "validate_every": 5, **bounds}
    for name, steps in (("broken", 3), ("broken", 5), ("unbroken", 5)):
        done = train(tmp_path, tmp_path / name, steps, **shape)
        assert (done.returncode, done.stdout) == (0, f"{tmp_path / name}/best.safetensors\n"), done.stderr
    broken, unbroken = (checkpoint.load(RunFolder(tmp_path / name).checkpoint(5)) for name in ("broken", "unbroken"))
    assert len(broken["random"]) == 2
    for part in ("modules", "optimizers", "task"):
        assert same(broken[part], unbroken[part])
    assert unbroken["task"]["adversary_due"] == 3
    assert unbroken["task"]["adversary_steps"] > 0
    assert numbers(tmp_path / "broken", "train/loss") == numbers(tmp_path / "unbroken", "train/loss")

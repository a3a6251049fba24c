"""Stages aligner and pitch in two processes that torchrun started: a resume to the same numbers, inside an epoch."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.styletts2.recordings import write_list
from tests.train.helpers import same
from tk_tools.train import checkpoint
from tk_tools.train.run_folder import RunFolder

ROOT = Path(__file__).parents[3]
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "tk_tools.cli.train")
SMALL = {
    "aligner": {"sizes.aligner_channels": 16, "sizes.aligner_embedding": 8, "sizes.aligner_layers": 1},
    "pitch": {"sizes.pitch_channels": "[4,6,8,10]", "sizes.pitch_features": 8, "tracked": "kept"},
}
SHAPE = {"batch_size": 1, "loader_workers": 0, "checkpoint_every": 1, "validate_every": 2, "log_every": 1}


def train(stage, folder, name, steps):
    values = SMALL[stage] | SHAPE | {"max_steps": steps}
    settings = [part for key, value in values.items() for part in ("--set", f"{key}={value}")]
    return subprocess.run(
        [sys.executable, *TORCHRUN, "styletts2", "--stage", stage, *settings, "--out", name, "wavs"],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("stage", SMALL)
def test_resumed_equals_unbroken(stage, tmp_path):
    write_list(tmp_path / "wavs", count=6)
    for name in ("unbroken", "broken"):
        done = train(stage, tmp_path, name, 2)
        assert (done.returncode, done.stdout) == (0, f"{name}/best.safetensors\n"), done.stderr
        if name == "unbroken":
            shutil.copytree(tmp_path / "unbroken", tmp_path / "broken")
            RunFolder(tmp_path / "broken").checkpoint(2).unlink()
    broken, unbroken = (checkpoint.load(RunFolder(tmp_path / name).checkpoint(2)) for name in ("broken", "unbroken"))
    assert len(broken["random"]) == 2
    assert same(broken["modules"], unbroken["modules"])
    assert same(broken["optimizers"], unbroken["optimizers"])

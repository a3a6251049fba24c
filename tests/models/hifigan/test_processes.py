"""The vocoder in two processes that torchrun started: a resume to the same numbers, inside an epoch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.hifigan.sounds import write_voice
from tests.models.hifigan.test_training import SMALL
from tests.train.helpers import same
from tk_tools.train import checkpoint
from tk_tools.train.run_folder import RunFolder

ROOT = Path(__file__).parents[3]
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "tk_tools.cli.train")


def train(*arguments, **values):
    settings = [part for name, value in (SMALL | values).items() for part in ("--set", f"{name}={value}")]
    return subprocess.run(
        [sys.executable, *TORCHRUN, "hifigan", *map(str, arguments), *settings],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_resumed_equals_unbroken(tmp_path):
    (tmp_path / "clips").mkdir()
    for seed in range(4):
        write_voice(tmp_path / f"clips/{seed}.wav", 0.6, seed=seed)
    shape = {"checkpoint_every": 2, "validate_every": 2, "adversarial_from": 1}
    for name, steps in (("broken", 2), ("broken", 3), ("unbroken", 3)):
        done = train("--out", tmp_path / name, tmp_path / "clips", max_steps=steps, **shape)
        assert (done.returncode, done.stdout) == (0, f"{tmp_path / name}/vocoder/best.safetensors\n"), done.stderr
    broken, unbroken = (
        checkpoint.load(RunFolder(tmp_path / name / "vocoder").checkpoint(3)) for name in ("broken", "unbroken")
    )
    assert len(broken["random"]) == 2
    assert same(broken["modules"], unbroken["modules"])
    assert same(broken["optimizers"], unbroken["optimizers"])

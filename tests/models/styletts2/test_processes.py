"""Stage first in two processes that torchrun started: a resume to the same numbers, inside an epoch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.styletts2.recordings import write_list
from tests.models.styletts2.stages import SMALL, write_listeners
from tests.train.helpers import same
from tk_tools.train import checkpoint
from tk_tools.train.run_folder import RunFolder

ROOT = Path(__file__).parents[3]
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "tk_tools.cli.train")


def train(*arguments, **values):
    sizes = {f"sizes.{name}": value for name, value in SMALL["sizes"].items()}
    shape = {name: value for name, value in SMALL.items() if name != "sizes"}
    settings = [part for name, value in (shape | sizes | values).items() for part in ("--set", f"{name}={value}")]
    return subprocess.run(
        [sys.executable, *TORCHRUN, "styletts2", "--stage", "first", *map(str, arguments), *settings],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_resumed_equals_unbroken(tmp_path):
    needs = write_listeners(tmp_path)
    listed = write_list(tmp_path / "wavs")
    operands = ("--aligner", needs["aligner"], "--pitch", needs["pitch"], listed)
    shape = {"checkpoint_every": 2, "validate_every": 2, "epoch_steps": 1, "adversarial_from": 1.0}
    for name, steps in (("broken", 2), ("broken", 3), ("unbroken", 3)):
        done = train("--out", tmp_path / name, *operands, max_steps=steps, **shape)
        assert (done.returncode, done.stdout) == (0, f"{tmp_path / name}/best.safetensors\n"), done.stderr
    broken, unbroken = (checkpoint.load(RunFolder(tmp_path / name).checkpoint(3)) for name in ("broken", "unbroken"))
    assert len(broken["random"]) == 2
    assert same(broken["modules"], unbroken["modules"])
    assert same(broken["optimizers"], unbroken["optimizers"])

"""tk-train as a program of its own, alone or in two processes that torchrun starts, and what two of its runs share."""

import os
import subprocess
import sys
from pathlib import Path

from tests.train.helpers import same
from tk_tools.train import checkpoint
from tk_tools.train.run_folder import RunFolder

ROOT = Path(__file__).parents[2]
ALONE = ("-m", "tk_tools.cli.train")
IN_TWO = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *ALONE)


def train(*arguments, start=IN_TWO, folder=ROOT, **values):
    """The finished `tk-train ARGUMENTS`; values: of its config."""
    settings = [part for name, value in values.items() for part in ("--set", f"{name}={value}")]
    return subprocess.run(
        [sys.executable, *start, *map(str, arguments), *settings],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def assert_equal_runs(first, second, step, parts=("modules", "optimizers")):
    """Both run folders' checkpoints of a step, of two processes, are equal bit for bit; gives the second."""
    one, other = (checkpoint.load(RunFolder(run).checkpoint(step)) for run in (first, second))
    assert len(one["random"]) == 2
    for part in parts:
        assert same(one[part], other[part]), part
    return other

"""Stages aligner and pitch in two processes that torchrun started: a resume to the same numbers, inside an epoch."""

import shutil

import pytest

from tests.models.styletts2.recordings import write_list
from tests.train.processes import assert_equal_runs, train
from tk_tools.train.run_folder import RunFolder

SMALL = {
    "aligner": {"sizes.aligner_channels": 16, "sizes.aligner_embedding": 8, "sizes.aligner_layers": 1},
    "pitch": {"sizes.pitch_channels": "[4,6,8,10]", "sizes.pitch_features": 8, "tracked": "kept"},
}
SHAPE = {"batch_size": 1, "loader_workers": 0, "checkpoint_every": 1, "validate_every": 2, "log_every": 1}


@pytest.mark.slow
@pytest.mark.parametrize("stage", SMALL)
def test_resumed_equals_unbroken(stage, tmp_path):
    write_list(tmp_path / "wavs", count=6)
    for name in ("unbroken", "broken"):
        given = ("styletts2", "--stage", stage, "--out", name, "wavs")
        done = train(*given, folder=tmp_path, **SMALL[stage] | SHAPE | {"max_steps": 2})
        assert (done.returncode, done.stdout) == (0, f"{name}/best.safetensors\n"), done.stderr
        if name == "unbroken":
            shutil.copytree(tmp_path / "unbroken", tmp_path / "broken")
            RunFolder(tmp_path / "broken").checkpoint(2).unlink()
    assert_equal_runs(tmp_path / "broken", tmp_path / "unbroken", 2)

"""The vocoder in two processes that torchrun started: a resume to the same numbers, inside an epoch."""

import pytest

from tests.models.hifigan.sounds import write_voice
from tests.models.hifigan.test_training import SMALL
from tests.train.processes import assert_equal_runs, train


@pytest.mark.slow
def test_resumed_equals_unbroken(tmp_path):
    (tmp_path / "clips").mkdir()
    for seed in range(4):
        write_voice(tmp_path / f"clips/{seed}.wav", 0.6, seed=seed)
    shape = SMALL | {"checkpoint_every": 2, "validate_every": 2, "adversarial_from": 1}
    for name, steps in (("broken", 2), ("broken", 3), ("unbroken", 3)):
        done = train("hifigan", "--out", tmp_path / name, tmp_path / "clips", **shape | {"max_steps": steps})
        assert (done.returncode, done.stdout) == (0, f"{tmp_path / name}/vocoder/best.safetensors\n"), done.stderr
    assert_equal_runs(tmp_path / "broken/vocoder", tmp_path / "unbroken/vocoder", 3)

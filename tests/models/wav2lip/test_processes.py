"""The three stages in two processes that torchrun started: one answer, one log, and a resume to the same numbers."""

from functools import partial

import pytest
import torch

from tests.models.wav2lip.clips import make_clip
from tests.train.processes import assert_equal_runs, train
from tk_tools.models.wav2lip.networks import make_expert
from tk_tools.train.metrics_file import read_metrics

SMALL = {
    "accelerator": "cpu",
    "batch_size": 2,
    "checkpoint_every": 2,
    "loader_workers": 0,
    "log_every": 1,
    "val_windows_per_clip": 2,
    "validate_every": 2,
    "width": 0.125,
}
train_small = partial(train, "wav2lip", **SMALL)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for seed in range(3):
        make_clip(folder / f"{seed}.face.h5", seed=seed)
    make_clip(folder / "short.face.h5", frames=6)
    return folder


@pytest.mark.slow
def test_all_stages_in_order(clips, tmp_path):
    done = train_small("--set", "generator.sync_threshold=100", "--out", tmp_path, clips, max_steps=3)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}/gan/best.safetensors\n"), done.stderr
    assert done.stderr.count("left out: ") == 1
    for stage in ("expert", "generator", "gan"):
        assert done.stderr.count(f"{stage}: 2 clips for training, 1 for validation\n") == 1
        assert [row["step"] for row in read_metrics(tmp_path / stage / "metrics.csv")] == [1, 2, 3]
    assert [row["train/sync"] > 0 for row in read_metrics(tmp_path / "generator/metrics.csv")] == [False, False, True]
    assert {"clip.mp4", "strips.png"} <= {path.name for path in (tmp_path / "gan/samples").rglob("*")}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "values"),
    [
        ("generator", {"sync_from_start": True}),
        ("generator", {"warm_start": True, "single_frames": True, "sync_weight": 0}),
        ("gan", {"sync_from_start": True}),
    ],
    ids=["generator", "generator as in preset tiny", "gan"],
)
def test_resumed_equals_unbroken(clips, tmp_path, stage, values):
    torch.manual_seed(0)
    torch.save(make_expert(SMALL["width"]).state_dict(), tmp_path / "expert.pth")
    shape = ("--stage", stage, "--expert", tmp_path / "expert.pth")
    for name, steps in (("broken", 2), ("broken", 3), ("unbroken", 3)):
        done = train_small(*shape, "--out", tmp_path / name, clips, max_steps=steps, **values)
        assert done.returncode == 0, done.stderr
    assert_equal_runs(tmp_path / "broken", tmp_path / "unbroken", 3)


def test_nothing_to_train_on_is_one_line(clips, tmp_path):
    done = train_small("--stage", "expert", "--out", tmp_path / "run", clips / "short.face.h5", max_steps=1)
    assert done.returncode == 1
    assert done.stderr.count("it is the only clip for training") == 1
    assert not list((tmp_path / "run").glob("*.safetensors"))

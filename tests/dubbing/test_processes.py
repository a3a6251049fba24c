"""The stages as installed: all of them in one command, and in two processes that torchrun started."""

import pytest

from tests.dubbing.clips import make_clip
from tests.train.processes import ALONE, assert_equal_runs, train
from tk_tools.train import checkpoint
from tk_tools.train.metrics_file import read_metrics
from tk_tools.train.run_folder import RunFolder

SMALL = {
    "accelerator": "cpu",
    "batch_size": 1,
    "checkpoint_every": 1,
    "log_every": 1,
    "mouth_size": 64,
    "val_items_per_clip": 2,
    "validate_every": 2,
    "width": 0.125,
}


def train_small(*arguments, model="lawdnet", **values):
    return train(model, "--preset", "tiny", *arguments, **SMALL | values)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for seed, name in enumerate("abc"):
        make_clip(folder, name, seed=seed, frames=80)
        for layout in ("lawdnet", "dinet"):
            make_clip(folder / layout, name, seed=seed, frames=80, layout=layout)
    make_clip(folder / "lawdnet", "short", frames=30)
    return folder


@pytest.mark.slow
def test_two_processes_train_one_generator(clips, tmp_path):
    """The dead pair of LawDNet gets no gradient, which DDP would wait for if it knew of it."""
    done = train_small("--stage", "frame64", "--out", tmp_path, clips / "lawdnet", max_steps=2, validate_every=100)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}/best.safetensors\n"), done.stderr
    assert done.stderr.count("left out: ") == 1
    assert len(checkpoint.load(RunFolder(tmp_path).checkpoint(2))["random"]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("model", ["lawdnet", "dinet"])
def test_all_stages_in_order(clips, tmp_path, model):
    done = train_small("--out", tmp_path, clips / model, start=ALONE, model=model, max_steps=2)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}/clip256/best.safetensors\n"), done.stderr
    for stage in ("sync", "frame64", "frame128", "frame256", "clip256"):
        assert done.stderr.count(f"{stage}: 2 clips for training, 1 for validation\n") == 1
        assert [row["step"] for row in read_metrics(tmp_path / stage / "metrics.csv")] == [1, 2]
    assert done.stderr.count("perception=pixels") == 1


@pytest.mark.slow
def test_resumed_in_two_processes_equals_unbroken(clips, tmp_path):
    sync = train_small("--stage", "sync", "--out", tmp_path / "sync", clips / "lawdnet", start=ALONE, max_steps=1)
    assert sync.returncode == 0, sync.stderr
    shape = ("--stage", "clip256", "--sync", tmp_path / "sync")
    for name, steps in (("broken", 1), ("broken", 2), ("unbroken", 2)):
        done = train_small(*shape, "--out", tmp_path / name, clips / "lawdnet", max_steps=steps, validate_every=100)
        assert done.returncode == 0, done.stderr
    assert_equal_runs(tmp_path / "broken", tmp_path / "unbroken", 2)


def test_missing_weights_are_told_before_the_first_stage(clips, tmp_path, monkeypatch):
    for name in ("TK_WEIGHTS", "TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    done = train_small("--out", tmp_path / "run", clips / "lawdnet", start=ALONE, perception="vgg19", max_steps=1)
    assert (done.returncode, done.stdout) == (1, "")
    assert "tk-weights fetch vgg19" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run/sync").exists()

"""A run that was interrupted, inside an epoch too, goes on to the very numbers of one that was not."""

import multiprocessing
import signal
import subprocess
import sys
import time

import pytest
import torch

from tests.train.helpers import Told, same
from tests.train.toy import ToyConfig, ToyTask, make_clips
from tk_tools.errors import ConfigError, MissingPackage, OutputError, TkError, TrainingError, WeightsError
from tk_tools.train import checkpoint
from tk_tools.train.clips import ClipFiles
from tk_tools.train.config import make_config, read_yaml
from tk_tools.train.loop import Loop
from tk_tools.train.metrics_file import read_metrics
from tk_tools.train.run_folder import RunFolder, read_weights, weights_file
from tk_tools.train.session import run_stage


def train(folder, clips, *, needs=None, log=None, resume=False, force=False, stage="expert", **values):
    return run_stage(
        model="toy",
        stage=stage,
        task=ToyTask,
        config=make_config(ToyConfig, values=values),
        clips=ClipFiles(clips[1:], clips[:1]) if isinstance(clips, list) else ClipFiles(*clips),
        suffixes=(".toy.txt",),
        needs=needs or {},
        out=folder,
        log=log or Told(),
        command="toy",
        resume=resume,
        force=force,
    )


@pytest.fixture
def clips(tmp_path):
    return make_clips(tmp_path / "clips", 8)  # 7 to train on, so a batch of 4 straddles epochs


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_resumed_equals_unbroken(tmp_path, clips, workers, accumulate):
    shape = {"loader_workers": workers, "accumulate": accumulate}
    train(tmp_path / "unbroken", clips, max_steps=12, **shape)
    with pytest.raises(TrainingError):  # breaks off at step 7, after the checkpoint of step 4
        train(tmp_path / "broken", clips, max_steps=12, nan_at=7, **shape)
    torch.rand(3)
    told = Told()
    train(tmp_path / "broken", clips, max_steps=12, log=told, **shape)
    assert any("going on from step" in line for line in told.lines)
    unbroken, broken = RunFolder(tmp_path / "unbroken"), RunFolder(tmp_path / "broken")
    assert unbroken.metrics.read_text() == broken.metrics.read_text()
    assert same(read_weights(unbroken.best)[0], read_weights(broken.best)[0])
    first, second = checkpoint.load(unbroken.checkpoint(12)), checkpoint.load(broken.checkpoint(12))
    assert first.keys() == second.keys()
    assert same(first, second)
    for step in (5, 10, 12):
        name = f"samples/step_{step:08d}/sample.txt"
        assert (unbroken.path / name).read_text() == (broken.path / name).read_text()


def test_workers_change_nothing(tmp_path, clips):
    train(tmp_path / "a", clips, loader_workers=0, max_steps=4)
    train(tmp_path / "b", clips, loader_workers=2, max_steps=4)
    assert (tmp_path / "a/metrics.csv").read_text() == (tmp_path / "b/metrics.csv").read_text()


def test_one_clip_works_and_says_so(tmp_path):
    told = Told()
    only = make_clips(tmp_path / "clips", 1)
    best = train(tmp_path / "run", (only, []), max_steps=2, batch_size=4, log=told)
    assert best == tmp_path / "run/best.safetensors"
    assert "one clip only" in told.lines[0]


def test_finished_run_is_left_as_it_is(tmp_path, clips):
    run = RunFolder(tmp_path / "run")
    train(run.path, clips, max_steps=5)
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    told = Told()
    assert train(run.path, clips, max_steps=5, log=told) == run.best
    assert "finished already" in told.lines[0]
    assert before == {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}


def test_a_finished_run_says_that_the_clips_are_others(tmp_path, clips):
    train(tmp_path / "run", clips, max_steps=2)
    told = Told()
    train(tmp_path / "run", (clips[2:], clips[:1]), max_steps=2, log=told)
    assert told.lines == [
        "expert: finished already, with these settings, but on other clips than these (--force trains it anew on "
        f"these), in {tmp_path / 'run'}"
    ]


def test_a_signal_after_the_last_step_promises_no_more(tmp_path, clips, monkeypatch):
    """The handler of before stands in for the command's, which would end it."""
    heard = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    export = Loop._export

    def stopped(self, target):
        if target == self.run.last:
            signal.raise_signal(signal.SIGTERM)
        export(self, target)

    monkeypatch.setattr(Loop, "_export", stopped)
    told = Told()
    try:
        train(tmp_path / "run", clips, max_steps=2, log=told)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]
    assert told.lines[-1] == "stopped after step 2, all is saved; it was the last"


def test_more_steps_go_on(tmp_path, clips):
    train(tmp_path / "a", clips, max_steps=10)
    train(tmp_path / "b", clips, max_steps=5)
    train(tmp_path / "b", clips, max_steps=10)
    assert (tmp_path / "a/metrics.csv").read_text() == (tmp_path / "b/metrics.csv").read_text()


def test_other_settings_are_refused_until_asked_for(tmp_path, clips):
    run = RunFolder(tmp_path / "run")
    train(run.path, clips, max_steps=4)
    with pytest.raises(ConfigError, match=r"learning_rate: 0.01 -> 0.02\); --resume"):
        train(run.path, clips, max_steps=6, learning_rate=0.02)
    train(run.path, clips, max_steps=6, learning_rate=0.02, resume=True)
    assert checkpoint.load(run.checkpoint(6))["config"]["settings"]["learning_rate"] == 0.02
    with pytest.raises(ConfigError, match="holds a run of toy, stage expert"):
        train(run.path, clips, max_steps=6, stage="gan", resume=True)
    train(run.path, clips, max_steps=2, learning_rate=0.03, force=True)
    assert list(run.list_checkpoints()) == [2]


def test_other_weights_and_clips_are_noticed(tmp_path, clips):
    first, second = (train(tmp_path / name, clips, max_steps=1, seed=seed) for seed, name in enumerate("ab"))
    train(tmp_path / "run", clips, max_steps=2, needs={"expert": first.parent})
    with pytest.raises(ConfigError, match="expert: other weights than before"):
        train(tmp_path / "run", clips, max_steps=3, needs={"expert": second})
    told = Told()
    train(tmp_path / "run", clips[:-1], max_steps=3, needs={"expert": first}, log=told)
    assert any("clips for training are not those" in line for line in told.lines)


def test_damaged_checkpoint_falls_back(tmp_path, clips):
    train(tmp_path / "unbroken", clips, max_steps=12)
    run = RunFolder(tmp_path / "run")
    train(run.path, clips, max_steps=8, keep_checkpoints=3)
    newest = run.checkpoint(8)
    newest.write_bytes(newest.read_bytes()[:-1000])
    told = Told()
    train(run.path, clips, max_steps=12, keep_checkpoints=1, log=told)
    assert "step_00000008.ckpt: is cut short or damaged; falling back to the one before" in told.lines[0]
    assert run.metrics.read_text() != ""
    assert checkpoint.load(run.checkpoint(12))["step"] == 12


@pytest.mark.parametrize("place", [0.3, 0.5, 0.9])
def test_flipped_bytes_are_noticed(tmp_path, clips, place):
    run = RunFolder(tmp_path / "run")
    train(run.path, clips, max_steps=4)
    path = run.checkpoint(4)
    data = bytearray(path.read_bytes())
    start = int(len(data) * place)
    data[start : start + 300] = bytes(byte ^ 0x10 for byte in data[start : start + 300])  # more than any padding
    path.write_bytes(data)
    with pytest.raises(WeightsError):
        checkpoint.load(path)


def test_all_damaged_is_an_error(tmp_path, clips):
    run = RunFolder(tmp_path / "run")
    train(run.path, clips, max_steps=4)
    for path in run.list_checkpoints().values():
        path.write_bytes(b"")
    with pytest.raises(WeightsError, match="no checkpoint that is whole; --force"):
        train(run.path, clips, max_steps=6)


def test_nan_stops_and_keeps_the_last_good(tmp_path, clips):
    run = RunFolder(tmp_path / "run")
    with pytest.raises(
        TrainingError, match=r"loss l1 is nan at step 6; the last good checkpoint is .*step_0000000[45]"
    ):
        train(run.path, clips, nan_at=6)
    assert max(run.list_checkpoints()) < 6
    state = checkpoint.load(next(iter(run.list_checkpoints().values())))
    assert all(torch.isfinite(tensor).all() for tensor in state["modules"]["generator"].values())


def test_unreadable_clip_is_one_line_and_what_was_trained_is_kept(tmp_path, clips):
    clips[3].write_text("bad")
    for workers in (0, 2):
        with pytest.raises(TkError) as caught:
            train(tmp_path / f"run{workers}", clips, batch_size=1, loader_workers=workers)
        assert str(caught.value) == f"{clips[3]}: is no clip; make it again"
        for _ in range(100):  # they are told to end, and take a moment
            if not multiprocessing.active_children():
                break
            time.sleep(0.1)
        assert not multiprocessing.active_children()


def test_run_folder_holds_what_it_promises(tmp_path, clips):
    run = RunFolder(tmp_path / "run")
    told = Told()
    best = train(run.path, clips, max_steps=12, keep_checkpoints=1, log=told)
    config = make_config(ToyConfig, values=read_yaml(run.config))
    assert config == make_config(ToyConfig, values={"max_steps": 12, "keep_checkpoints": 1})
    steps = list(run.list_checkpoints())
    best_step = read_weights(best)[1]["step"]
    assert steps[0] == 12
    assert set(steps) == {12, best_step}
    assert [row["step"] for row in read_metrics(run.metrics)] == [3, 5, 6, 9, 10, 12]
    assert run.metrics.read_text().startswith("step,epoch,train/l1,train/judge,val/l1\n3,1,")
    assert sorted(path.name for path in run.samples.iterdir()) == [f"step_{step:08d}" for step in (5, 10, 12)]
    assert list(run.tensorboard.glob("events*"))
    assert sum("learns nothing" in line for line in told.lines) == 1
    weights, about = read_weights(run.path)
    assert about["model"] == "toy"
    assert about["network"] == "generator"
    assert about["settings"]["max_steps"] == 12
    assert same(read_weights(run.checkpoint(12))[0], read_weights(run.last)[0])
    assert weights.keys() == read_weights(run.last)[0].keys()


def test_weights_file(tmp_path, clips):
    with pytest.raises(WeightsError, match="no such run folder"):
        weights_file(tmp_path / "none")
    with pytest.raises(WeightsError, match="is no run folder"):
        weights_file(tmp_path)
    train(tmp_path / "run", clips, max_steps=1)
    assert weights_file(tmp_path / "run") == tmp_path / "run/best.safetensors"
    assert weights_file(tmp_path / "run/last.safetensors") == tmp_path / "run/last.safetensors"


def test_a_foreign_config_is_not_overwritten(tmp_path, clips):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/config.yaml").write_text("mine: true\n")
    with pytest.raises(OutputError, match="is kept; give another --out"):
        train(tmp_path / "run", clips, max_steps=1)
    assert (tmp_path / "run/config.yaml").read_text() == "mine: true\n"


def test_locked_folder(tmp_path, clips):
    code = f"""
import sys
from tk_tools.train.metrics_file import read_metrics
from tk_tools.train.run_folder import RunFolder
with RunFolder({str(tmp_path / "run")!r}).locked():
    print("locked", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(OutputError, match=f"another tk-train is at work here \\(process {other.pid}\\)"):
            train(tmp_path / "run", clips, max_steps=1)
    train(tmp_path / "run", clips, max_steps=1)


def test_full_disk_keeps_what_was_there(tmp_path):
    code = f"""
import resource, torch
from pathlib import Path
from tk_tools.errors import OutputError
from tk_tools.train import checkpoint
path = Path({str(tmp_path / "step_00000001.ckpt")!r})
checkpoint.save(path, {{"step": 1}})
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    checkpoint.save(path, {{"step": 2, "x": torch.zeros(200_000)}})
except OutputError as error:
    print(error)
print(checkpoint.load(path)["step"])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    said, step = result.stdout.splitlines()
    assert "step_00000001.ckpt: cannot be written" in said
    assert step == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["step_00000001.ckpt"]


def test_wandb_gets_the_numbers_when_asked_for(tmp_path, clips, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(MissingPackage, match="pip install wandb"):
        train(tmp_path / "a", clips, max_steps=1, wandb="faces")
    seen = []

    class Wandb:
        id = "one"

        def init(self, **options):
            seen.append(options["project"])
            return self

        def log(self, numbers, step):
            seen.append((step, sorted(numbers)))

        def finish(self):
            seen.append("end")

    monkeypatch.setitem(sys.modules, "wandb", Wandb())
    train(tmp_path / "b", clips, max_steps=3, wandb="faces")
    assert seen == ["faces", (3, ["epoch", "train/judge", "train/l1", "val/l1"]), "end"]


def test_best_weights_that_are_gone_are_begun_anew(tmp_path, clips):
    train(tmp_path / "run", clips, max_steps=4, checkpoint_every=2, validate_every=2)
    RunFolder(tmp_path / "run").best.unlink()
    told = Told()
    train(tmp_path / "run", clips, max_steps=6, checkpoint_every=2, validate_every=2, log=told)
    assert any("best.safetensors is gone" in line for line in told.lines)
    assert RunFolder(tmp_path / "run").best.exists()


def test_the_best_is_sought_anew_when_something_joins(tmp_path, clips, monkeypatch):
    """Numbers that only get worse: the best is the first of its era, also after a resume."""
    monkeypatch.setattr(ToyTask, "era", property(lambda task: int(task.steps > 3)))
    monkeypatch.setattr(ToyTask, "validate", lambda task, batches: {"l1": float(task.steps)})
    for steps, best in ((3, 1), (5, 4), (6, 4)):
        path = train(tmp_path / "run", clips, max_steps=steps, validate_every=1)
        assert read_weights(path)[1]["step"] == best

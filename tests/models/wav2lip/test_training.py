"""The three stages through the loop: they learn, resume to the same numbers, and warn; one clip is enough."""

import csv

import h5py
import pytest
import torch
from lightning_fabric import Fabric

from tests.models.wav2lip.clips import make_clip
from tests.train.helpers import Told, same
from tk_tools.errors import ConfigError, TrainingError
from tk_tools.models import get_model, load
from tk_tools.models.wav2lip.networks import make_expert
from tk_tools.models.wav2lip.training import GUESSING, ExpertTask, GeneratorTask
from tk_tools.train import checkpoint
from tk_tools.train.clips import ClipFiles
from tk_tools.train.config import as_yaml, make_config
from tk_tools.train.run_folder import RunFolder, read_weights
from tk_tools.train.session import run_stage

MODEL = get_model("wav2lip")
OF_PRESET_TINY = {
    "warm_start": True,
    "single_frames": True,
    "squared_error": True,
    "mouth_weight": 4.0,
    "sync_weight": 0.0,
}
SMALL = {
    "width": 0.125,
    "batch_size": 2,
    "loader_workers": 0,
    "accelerator": "cpu",
    "log_every": 1,
    "val_windows_per_clip": 2,
}


def config_of(stage, **values):
    return make_config(load(MODEL.stage(stage).config), values=SMALL | values)


def train(stage, folder, clips, needs=None, log=None, val=None, **values):
    return run_stage(
        model="wav2lip",
        stage=stage,
        task=load(MODEL.stage(stage).task),
        config=config_of(stage, **values),
        clips=ClipFiles(clips, clips[:1] if val is None else val),
        suffixes=(".face.h5",),
        needs=needs or {},
        out=folder,
        log=log or Told(),
        command="test",
    )


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    return [make_clip(folder / f"{seed}.face.h5", seed=seed) for seed in range(3)]


@pytest.fixture(scope="module")
def expert(tmp_path_factory):
    path = tmp_path_factory.mktemp("expert") / "expert.pth"
    torch.manual_seed(0)
    torch.save(make_expert(0.125).state_dict(), path)
    return path


def numbers(folder, column):
    with open(RunFolder(folder).metrics, newline="") as file:
        return [float(row[column]) for row in csv.DictReader(file) if row.get(column)]


@pytest.mark.parametrize(
    ("stage", "shape"),
    [
        ("expert", {}),
        ("generator", {"sync_threshold": 100.0}),  # switched on by the validation at step 3
        ("generator", OF_PRESET_TINY),
        ("gan", {"sync_threshold": 100.0}),
    ],
    ids=["expert", "generator", "generator as in preset tiny", "gan"],
)
def test_resumed_inside_an_epoch_equals_unbroken(tmp_path, clips, expert, stage, shape):
    needs = {} if stage == "expert" else {"expert": expert}
    shape = {"checkpoint_every": 2, "validate_every": 3, "windows_per_clip": 3, "max_steps": 6} | shape
    train(stage, tmp_path / "unbroken", clips, needs, **shape)
    train(stage, tmp_path / "broken", clips, needs, **shape | {"max_steps": 4})
    train(stage, tmp_path / "broken", clips, needs, **shape)
    first, second = (checkpoint.load(RunFolder(tmp_path / name).checkpoint(6)) for name in ("unbroken", "broken"))
    assert same(first["modules"], second["modules"])
    assert same(first["optimizers"], second["optimizers"])
    for column in ("train/loss", "train/l1")[: 1 if stage == "expert" else 2]:
        whole = numbers(tmp_path / "unbroken", column)
        assert whole[-2:] == numbers(tmp_path / "broken", column)[-2:]


@pytest.mark.parametrize("bad", [0, 1])
def test_a_clip_of_no_use_is_never_the_one_to_validate_on(tmp_path, bad):
    clips = [make_clip(tmp_path / f"{n}.face.h5", seed=n, frames=5 if n == bad else 60) for n in range(2)]
    told = Told()
    assert train("expert", tmp_path / "run", clips, val=[], log=told, max_steps=1).exists()
    assert told.lines[0].startswith(f"left out: {clips[bad]}: has ")
    assert "one clip only" in told.lines[1]
    assert "1 clip for training, 1 for validation" in told.lines[2]


def test_the_expert_learns(tmp_path, clips):
    shape = {"max_steps": 60, "validate_every": 60, "batch_size": 8, "learning_rate": 2e-3}
    best = train("expert", tmp_path / "run", clips, **shape)
    losses = numbers(tmp_path / "run", "train/loss")
    assert sum(losses[-10:]) / 10 < 0.8 * GUESSING
    assert read_weights(best)[1]["network"] == "expert"


def test_the_generator_learns_and_shows_samples(tmp_path, clips, expert):
    shape = {"max_steps": 40, "validate_every": 40, "learning_rate": 1e-3}
    train("generator", tmp_path / "run", clips, {"expert": expert}, **shape)
    losses = numbers(tmp_path / "run", "train/l1")
    assert sum(losses[-10:]) < 0.85 * sum(losses[:10])
    assert set(numbers(tmp_path / "run", "train/sync")) == {0.0}  # an untrained expert does not switch it on
    samples = {path.name for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert {"strips.png", "clip.mp4"} <= samples


def test_a_generator_of_single_frames_starts_near_its_reference(tmp_path, clips, expert):
    """What preset tiny does: one frame an item, squared errors, a warm start; validation is on five frames as ever."""
    shape = OF_PRESET_TINY | {"max_steps": 4, "validate_every": 4, "batch_size": 4, "sync_threshold": 100.0}
    for name, warm in (("warm", True), ("cold", False)):
        train("generator", tmp_path / name, clips, {"expert": expert}, **shape | {"warm_start": warm})
    warm, cold = (numbers(tmp_path / name, "train/l1")[0] for name in ("warm", "cold"))
    assert warm < 0.5 * cold
    assert numbers(tmp_path / "warm", "train/loss")[0] < warm  # squares of errors under 1
    assert len(numbers(tmp_path / "warm", "val/sync")) == 1


def test_single_frames_leave_nothing_to_the_expert(tmp_path, clips, expert):
    with pytest.raises(ConfigError, match="sync_weight=0"):
        train("generator", tmp_path / "run", clips, {"expert": expert}, single_frames=True, max_steps=1)


def test_the_sync_loss_is_switched_on_by_a_validation_and_stays(tmp_path, clips, expert):
    shape = {"max_steps": 5, "validate_every": 2, "sync_threshold": 100.0}
    train("generator", tmp_path / "run", clips, {"expert": expert}, **shape)
    sync = numbers(tmp_path / "run", "train/sync")
    assert sync[:2] == [0.0, 0.0]
    assert min(sync[2:]) > 0


def test_one_clip_and_a_start_from_given_weights(tmp_path, clips, expert):
    train("generator", tmp_path / "first", clips[:1], {"expert": expert}, max_steps=1)
    needs = {"expert": expert, "init": tmp_path / "first"}
    train("gan", tmp_path / "second", clips[:1], needs, max_steps=1, learning_rate=1e-9)
    before, after = (read_weights(tmp_path / name)[0] for name in ("first", "second"))
    weight = "output_block.1.weight"
    assert torch.allclose(before[weight], after[weight], atol=1e-6)


def test_a_clip_whose_sound_is_damaged_is_named_and_left_out(tmp_path, clips):
    bad = make_clip(tmp_path / "bad.face.h5", seed=9)
    with h5py.File(bad) as file:
        place = file["audio/samples"].id.get_chunk_info(0).byte_offset
    with open(bad, "r+b") as file:
        file.seek(place + 1000)
        file.write(b"\xff\x00\xff\x00")
    told = Told()
    train("expert", tmp_path / "run", [*clips, bad], log=told, max_steps=1)
    assert told.lines[0] == f"left out: {bad}: /audio/samples is damaged (a checksum does not match)"


def test_another_last_step_is_no_small_matter_where_the_rates_fall_towards_it(tmp_path, clips):
    for decay in (False, True):
        train("expert", tmp_path / str(decay), clips, max_steps=1, decay=decay)
    train("expert", tmp_path / "False", clips, max_steps=2, decay=False)
    with pytest.raises(ConfigError, match="max_steps"):
        train("expert", tmp_path / "True", clips, max_steps=2, decay=True)


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path, clips):
    with pytest.raises(TrainingError):
        train("expert", tmp_path / "run", clips, max_steps=30, learning_rate=1e30)


def test_the_frozen_expert_does_not_drift(clips, expert):
    fabric = Fabric(accelerator="cpu", devices=1)
    config = config_of("generator", sync_from_start=True)
    known = [GeneratorTask.inspect(path, config) for path in clips]
    task = GeneratorTask(config, fabric, known, known[:1], {"expert": expert})
    before = {key: value.clone() for key, value in task.expert.state_dict().items() if "num_batches" not in key}
    item = torch.utils.data.default_collate([task.train_data[(0, 1)], task.train_data[(1, 2)]])
    task.step(item)
    after = task.expert.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())
    assert all(parameter.grad is None for parameter in task.expert.parameters())


def test_a_generator_needs_an_expert():
    with pytest.raises(ConfigError, match="--expert"):
        GeneratorTask(config_of("generator"), Fabric(accelerator="cpu", devices=1), [], [], {})


def test_guessing_is_reported_with_likely_causes():
    task = ExpertTask.__new__(ExpertTask)
    task.config = config_of("expert", stuck_after=100)
    stuck = [{"step": 50, "val/loss": 0.695}, {"step": 100, "val/loss": 0.692}]
    assert task.advice(stuck[:1]) is None
    assert "25 frames/s" in task.advice(stuck)
    assert task.advice([*stuck, {"step": 150, "val/loss": 0.5}]) is None


def test_an_expert_that_does_not_know_the_clips_is_reported():
    task = GeneratorTask.__new__(GeneratorTask)
    task.config, task.sync_on = config_of("generator"), False
    assert "does not find the real pictures in sync" in task.advice([{"val/sync_true": 0.9}])
    assert task.advice([{"val/sync_true": 0.3}]) is None
    assert "10 validations" in task.advice([{"val/sync_true": 0.3}] * 10)


@pytest.mark.parametrize("stage", [stage.name for stage in MODEL.stages])
def test_every_key_is_described_and_every_preset_is_valid(stage):
    kind = load(MODEL.stage(stage).config)
    assert all(field.description for field in kind.model_fields.values())
    config = make_config(kind, preset="tiny")
    assert config.width < 1
    assert "learning_rate" in as_yaml(config)


def test_losses_of_probabilities_stay_out_of_autocast(tmp_path, clips, expert, monkeypatch):
    """A GPU's autocast refuses the cross entropy of probabilities; on a processor it would only be rounded."""
    seen = []
    plain_loss = torch.nn.functional.binary_cross_entropy

    def watched(*arguments, **named):
        seen.append(torch.is_autocast_enabled("cpu"))
        return plain_loss(*arguments, **named)

    monkeypatch.setattr(torch.nn.functional, "binary_cross_entropy", watched)
    shape = {"max_steps": 2, "validate_every": 1, "precision": "bf16-mixed"}
    for stage in ("expert", "generator", "gan"):
        needs = {} if stage == "expert" else {"expert": expert}
        more = {} if stage == "expert" else {"sync_from_start": True}
        assert train(stage, tmp_path / stage, clips, needs, **shape, **more).exists()
    assert seen
    assert not any(seen)

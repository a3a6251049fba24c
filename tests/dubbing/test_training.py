"""The stages of LawDNet and DINet through the loop: they learn, a resume is exact, and what does not fit is refused."""

import csv

import cv2
import numpy as np
import pytest
import torch

from tests.dubbing.clips import make_clip
from tests.train.helpers import Told, same
from tk_tools.dubbing.judge import load_judge
from tk_tools.errors import ConfigError, InputError, TkError, WeightsError
from tk_tools.files.companions import Companions
from tk_tools.models import get_model, load
from tk_tools.models.dinet.published import load_generator as load_dinet
from tk_tools.models.lawdnet.published import load_generator
from tk_tools.models.stages import suffixes_of
from tk_tools.nets.dinet_discriminator import Discriminator
from tk_tools.train import checkpoint
from tk_tools.train.clips import ClipFiles
from tk_tools.train.config import make_config
from tk_tools.train.run_folder import RunFolder, read_weights
from tk_tools.train.session import run_stage

SHARED = {
    "accelerator": "cpu",
    "batch_size": 1,
    "features": "mel",
    "loader_workers": 0,
    "log_every": 1,
    "mouth_size": 64,
    "val_items_per_clip": 1,
    "width": 0.125,
}
FRAMES = SHARED | {"perception": "pixels", "epoch_steps": 1000}
SMALL = {"sync": SHARED} | dict.fromkeys(("frame64", "frame128", "frame256", "clip256"), FRAMES)


def train(stage, out, data, model="lawdnet", needs=None, log=None, **values):
    described = get_model(model).stage(stage)
    found = sorted(data.glob("*.h5"))
    clips = [path for path in found if path.name.endswith(".face.h5")]
    beside = tuple(Companions(found, suffixes_of(part), part.made_by) for part in described.beside)
    return run_stage(
        model=model,
        stage=stage,
        task=load(described.task),
        config=make_config(load(described.config), values=SMALL[stage] | values),
        clips=ClipFiles(clips[1:] or clips, clips[:1], beside),
        suffixes=suffixes_of(described),
        needs=needs or {},
        out=out,
        log=log or Told(),
        command="test",
    )


def rows_of(run):
    with open(run / "metrics.csv", encoding="utf-8") as stream:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(stream)]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for seed, name in enumerate("ab"):
        make_clip(folder, name, seed=seed, frames=60)
    return folder


@pytest.fixture(scope="module")
def sync(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "sync"
    train("sync", folder, data, max_steps=1, validate_every=1)
    return folder


@pytest.fixture(scope="module")
def frame(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "frame64"
    train("frame64", folder, data, max_steps=12, validate_every=4, learning_rate=3e-4, gan_weight=0.1)
    return folder


def test_a_frame_stage_learns_and_leaves_samples(frame):
    rows = rows_of(frame)
    assert rows[-1]["val/mouth_l1"] < 0.7 * rows[3]["val/mouth_l1"]
    names = {"loss", "perception", "picture", "gan", "discriminator"}
    assert {name for name in rows[-1] if name.startswith("train/")} == {f"train/{name}" for name in names}
    picture = cv2.imread(str(frame / "samples/step_00000012/mouths.png"))
    assert picture.shape == (104, 3 * 80, 3)
    masked, made, real = np.split(picture.astype(float), 3, axis=1)
    assert masked[60:80, 30:50].max() == 0
    assert np.abs(masked - real)[:20].max() <= 1
    assert 0 < np.abs(made - real).mean() < np.abs(masked - real).mean()


def test_the_weights_say_what_they_were_trained_for(frame, sync):
    about = read_weights(frame)[1]
    assert (about["model"], about["stage"], about["network"]) == ("lawdnet", "frame64", "generator")
    assert {name: about["settings"][name] for name in ("features", "mouth_size", "warp_field")} == {
        "features": "mel",
        "mouth_size": 64,
        "warp_field": "published",
    }
    assert load_generator(frame).config.audio_channels == 8
    judge = load_judge(sync)
    assert (judge.mouth_size, judge.squashed, judge.features) == (64, False, "mel")


def test_what_nothing_depends_on_is_neither_trained_nor_lost(frame, data, tmp_path):
    """The published network's dead pair: AdamW would shrink it, DDP would wait for its gradients."""
    best = train("frame64", tmp_path, data, needs={"init": frame}, max_steps=1, learning_rate=1e-3)
    before, after = read_weights(frame)[0], read_weights(best)[0]
    dead = ("appearance_conv_list.0.", "lawLayer_list.0.")
    for key, value in after.items():
        if key.startswith(dead):
            assert torch.equal(value, before[key]), key
        elif key.endswith(".weight") and ".norm" not in key:
            assert not torch.equal(value, before[key]), key


def test_the_next_stage_begins_with_the_generator_of_the_one_before(frame, data, tmp_path):
    best = train("frame128", tmp_path, data, needs={"init": frame}, max_steps=1, learning_rate=1e-9)
    before, after = read_weights(frame)[0], read_weights(best)[0]
    assert all(torch.allclose(after[key], before[key], atol=1e-6) for key in before)


def test_likeness_that_has_no_say_needs_no_weights(data, tmp_path):
    train("frame64", tmp_path, data, max_steps=1, perception="vgg19", perception_weight=0.0)
    assert rows_of(tmp_path)[-1]["train/perception"] == 0


@pytest.mark.parametrize("model", ["lawdnet", pytest.param("dinet", marks=pytest.mark.slow)])
def test_a_resumed_clip_stage_equals_an_unbroken_one(data, sync, tmp_path, model):
    if model == "dinet":
        for seed, name in enumerate("ab"):
            make_clip(tmp_path / "data", name, seed=seed, frames=60, layout="dinet")
        data = tmp_path / "data"
    values = {"needs": {"sync": sync}, "model": model, "accumulate": 2 if model == "lawdnet" else 1}
    values |= {"checkpoint_every": 1, "non_decay": 1, "epoch_steps": 1, "validate_every": 100}
    for name, steps in (("unbroken", 2), ("broken", 1), ("broken", 2)):
        train("clip256", tmp_path / name, data, max_steps=steps, **values)
    unbroken, broken = RunFolder(tmp_path / "unbroken"), RunFolder(tmp_path / "broken")
    one, other = (checkpoint.load(run.checkpoint(2)) for run in (unbroken, broken))
    assert set(one["modules"]) == {"generator", "discriminator", "clip_discriminator"}
    assert all(same(one[part], other[part]) for part in ("modules", "optimizers", "schedulers"))
    rows = rows_of(tmp_path / "unbroken")
    assert {"train/sync", "train/sync_score", "train/gan_clip", "train/clip_discriminator"} <= set(rows[0])
    assert rows[0] == {name: value for name, value in rows_of(tmp_path / "broken")[0].items() if name in rows[0]}


def test_dinet_trains_too(tmp_path):
    for seed, name in enumerate("ab"):
        make_clip(tmp_path / "data", name, seed=seed, frames=60, layout="dinet")
    best = train("frame64", tmp_path / "run", tmp_path / "data", model="dinet", max_steps=1)
    assert read_weights(best)[1]["model"] == "dinet"
    assert load_dinet(best).config.audio_channels == 8


def test_only_lawdnet_weighs_the_squared_error():
    configs = [load(get_model(model).stage("frame64").config)() for model in ("lawdnet", "dinet")]
    assert [config.picture_weight for config in configs] == [1.0, 0.0]


def test_without_max_steps_it_ends_after_the_epochs_and_is_then_finished(data, tmp_path):
    """One clip, an item of it and a batch of one: a step is an epoch."""
    values = {"epoch_steps": 0, "augment_num": 1, "non_decay": 1, "decay": 1, "validate_every": 100}
    train("frame64", tmp_path, data, **values)
    assert len(rows_of(tmp_path)) == 2
    state = checkpoint.load(RunFolder(tmp_path).checkpoint(2))
    assert {name: schedule["_last_lr"] for name, schedule in state["schedulers"].items()} == {
        "generator": [pytest.approx(1e-4 * 0.5)],
        "discriminator": [pytest.approx(1e-4 * 0.5)],
    }
    log = Told()
    train("frame64", tmp_path, data, log=log, **values)
    assert log.lines == [f"frame64: finished already, with these settings, in {tmp_path}"]


def test_a_sync_net_is_trained_by_either_loss(data, tmp_path):
    for loss, guessing in (("mse", 0.5), ("bce", 0.6931)):
        run = tmp_path / loss
        train("sync", run, data, max_steps=1, validate_every=1, loss=loss)
        row = rows_of(run)[0]
        assert row["train/loss"] == pytest.approx(guessing, rel=0.2)
        assert {"val/accuracy", "val/score", "val/score_off"} <= set(row)
        assert load_judge(run).squashed == (loss == "bce")


@pytest.mark.parametrize(
    ("stage", "values", "kind", "words"),
    [
        ("frame64", {"perception": "vgg19"}, WeightsError, "tk-weights fetch vgg19.*--set perception=pixels"),
        ("frame64", {"max_steps": 11001, "epoch_steps": 1000}, ConfigError, "the learning rate is zero"),
        ("clip256", {}, ConfigError, "give --sync RUN"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_the_first_step(
    data, tmp_path, stage, values, kind, words, monkeypatch
):
    for name in ("TK_WEIGHTS", "TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    with pytest.raises(kind, match=words):
        train(stage, tmp_path / "run", data, **({"max_steps": 1} | values))
    assert not (tmp_path / "run").exists()


def test_a_clip_without_sound_is_told_as_that_and_not_sent_to_a_tool(tmp_path):
    make_clip(tmp_path / "data", "mute")
    (tmp_path / "data/mute.feat.h5").unlink()
    with pytest.raises(InputError, match=r"mute.face.h5: has no sound, so there is nothing to learn from it"):
        train("frame64", tmp_path / "run", tmp_path / "data", max_steps=1)
    assert not (tmp_path / "run").exists()


def test_weights_that_do_not_fit_are_refused(frame, sync, data, tmp_path):
    def refused(words, where=data, **values):
        with pytest.raises(TkError, match=words):
            train(out=tmp_path / "run", data=where, max_steps=1, **values)

    refused("warp_field=published", stage="frame128", needs={"init": frame}, warp_field="upright")
    refused("hold|is ", stage="frame128", needs={"init": sync})
    for seed, name in enumerate("ab"):
        make_clip(tmp_path / "five", name, seed=seed, frames=60, channels=5)
        make_clip(tmp_path / "other", name, seed=seed, frames=60, model="deepspeech")
    refused(
        "8 channels; beside the crops lie those of mel, 5", tmp_path / "five", stage="frame128", needs={"init": frame}
    )
    other = {"where": tmp_path / "other", "features": "deepspeech"}
    refused("trained on features of mel", stage="frame128", needs={"init": frame}, **other)
    refused("hears features of mel.*sync_features=FOLDER", stage="clip256", needs={"sync": sync}, **other)
    refused("hears features of mel", stage="sync", needs={"init": sync}, **other)
    assert not (tmp_path / "run").exists()


def test_trouble_is_told():
    kind = load(get_model("lawdnet").stage("clip256").task)
    task = kind.__new__(kind)
    task.config, task.from_nothing = make_config(load(get_model("lawdnet").stage("clip256").config)), False
    calm = [{"step": float(step), "train/sync": 0.3} for step in range(20)]
    wild = [{"step": float(step), "train/sync": 0.1 + 2 * (step % 5 == 0)} for step in range(20)]
    assert task.advice(calm) is None
    assert "sync_clamp=true" in task.advice(wild)
    assert "tk-eval-lse" in task.advice([*calm, {"step": 20.0, "val/sync": 0.2, "val/sync_true": 0.6}])
    task.from_nothing = True
    assert "--init" in task.advice(calm)


def test_training_begins_with_published_discriminators(data, tmp_path):
    torch.manual_seed(7)
    known = {"net_dI": Discriminator(3, 0.25), "net_dV": Discriminator(15, 0.25)}
    torch.save({"state_dict": {name: net.state_dict() for name, net in known.items()}}, tmp_path / "published.pth")
    settings = {"max_steps": 1, "discriminators": str(tmp_path / "published.pth"), "discriminator_learning_rate": 1e-12}
    train("frame64", tmp_path / "run", data, **settings)
    state = checkpoint.load(RunFolder(tmp_path / "run").checkpoint(1))["modules"]["discriminator"]
    assert all(torch.allclose(state[name], value, atol=1e-6) for name, value in known["net_dI"].state_dict().items())
    torch.save(known["net_dV"].state_dict(), tmp_path / "clips.pth")
    with pytest.raises(WeightsError, match="judges 5 frames at a time, not 1"):
        train("frame64", tmp_path / "no", data, **settings | {"discriminators": str(tmp_path / "clips.pth")})

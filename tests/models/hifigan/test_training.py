"""The two stages through the loop: they learn, resume to the same numbers, start from what is published, and warn."""

import csv

import numpy as np
import pytest
import torch

from tests.models.hifigan.sounds import write_voice
from tests.train.helpers import Told, same
from tk_tools.audio.make_mel import MelOptions, make_mel
from tk_tools.audio.vocoder import load_generator, open_vocoder
from tk_tools.errors import ConfigError, TrainingError, WeightsError
from tk_tools.files.companions import Companions
from tk_tools.files.find import AUDIO_SUFFIXES
from tk_tools.files.soundtrack import read_audio
from tk_tools.models import get_model, load
from tk_tools.models.hifigan.networks import Discriminators
from tk_tools.models.hifigan.training import VocoderTask
from tk_tools.models.stages import suffixes_of
from tk_tools.nets.hifigan import HiFiGAN, HiFiGANConfig
from tk_tools.train import checkpoint
from tk_tools.train.clips import ClipFiles
from tk_tools.train.config import as_yaml, make_config
from tk_tools.train.run_folder import RunFolder, read_weights
from tk_tools.train.session import run_stage

MODEL = get_model("hifigan")
SIZES = {"channels": 16, "rates": [16, 16], "kernels": [16, 16], "block_kernels": [3], "dilations": [1, 2]}
SMALL = SIZES | {
    "segment": 1024,
    "discriminator_width": 0.125,
    "batch_size": 2,
    "loader_workers": 0,
    "accelerator": "cpu",
    "log_every": 1,
}


def config_of(stage, **values):
    return make_config(load(MODEL.stage(stage).config), values=SMALL | values)


def train(stage, folder, clips, needs=None, log=None, **values):
    """clips: sounds; stage finetune takes the mels beside them."""
    beside = ()
    if stage == "finetune":
        beside = (Companions(clips, AUDIO_SUFFIXES, "x"),)
        clips = [path.with_suffix(".mel.h5") for path in clips]
    return run_stage(
        model="hifigan",
        stage=stage,
        task=load(MODEL.stage(stage).task),
        config=config_of(stage, **values),
        clips=ClipFiles(clips, clips[:1], beside),
        suffixes=suffixes_of(MODEL.stage(stage)),
        needs=needs or {},
        out=folder,
        log=log or Told(),
        command="test",
    )


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    paths = [write_voice(folder / f"{seed}.wav", 0.6, seed=seed) for seed in range(3)]
    for path in paths:
        make_mel(path, path.with_suffix(".mel.h5"), MelOptions("diffvc"))
    return paths


@pytest.fixture
def published(tmp_path):
    """Narrow networks in files like the published ones: generator, do_00000005."""
    torch.manual_seed(3)
    generator = HiFiGAN(HiFiGANConfig(channels=16))
    judges = Discriminators(0.125).state_dict()
    parts = {
        name: {key.removeprefix(f"{name}."): value for key, value in judges.items() if key.startswith(name)}
        for name in ("mpd", "msd")
    }
    rest = {"optim_g": {"state": {0: {"exp_avg": torch.ones(2)}}}, "optim_d": {"state": {}}, "steps": 5, "epoch": 1}
    torch.save({"generator": generator.state_dict()}, tmp_path / "generator")
    torch.save(parts | rest, tmp_path / "do_00000005")
    return tmp_path


def numbers(folder, column):
    with open(RunFolder(folder).metrics, newline="") as file:
        return [float(row[column]) for row in csv.DictReader(file) if row.get(column)]


@pytest.mark.parametrize("stage", ["vocoder", "finetune"])
def test_resumed_inside_an_epoch_equals_unbroken(tmp_path, clips, stage):
    shape = {"checkpoint_every": 2, "validate_every": 3, "adversarial_from": 1, "max_steps": 4}
    train(stage, tmp_path / "unbroken", clips, **shape)
    train(stage, tmp_path / "broken", clips, **shape | {"max_steps": 3})
    train(stage, tmp_path / "broken", clips, **shape)
    first, second = (checkpoint.load(RunFolder(tmp_path / name).checkpoint(4)) for name in ("unbroken", "broken"))
    for part in ("modules", "optimizers", "schedulers"):
        assert same(first[part], second[part])
    for column in ("train/loss", "train/discriminators"):
        assert numbers(tmp_path / "unbroken", column)[-1] == numbers(tmp_path / "broken", column)[-1]
    assert [value > 0 for value in numbers(tmp_path / "unbroken", "train/features")] == [False, True, True, True]


def test_it_learns_and_what_it_hands_on_speaks(tmp_path, clips):
    shape = {"max_steps": 44, "validate_every": 22, "learning_rate": 5e-3, "adversarial_from": 40, "batch_size": 4}
    best = train("vocoder", tmp_path / "run", clips, **shape)
    losses = numbers(tmp_path / "run", "train/mel")
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])
    judged = numbers(tmp_path / "run", "val/mel")
    assert judged[1] < judged[0]
    state, about = read_weights(best)
    assert {"conv_pre.weight_g", "ups.1.weight_v", "resblocks.0.convs2.1.bias"} <= state.keys()
    assert about["network"] == "generator"
    generator = load_generator(tmp_path / "run")
    assert (generator.config.rates, generator.config.dilations) == ((16, 16), (1, 2))
    assert open_vocoder(best).sound(np.zeros((7, 80), np.float32)).shape == (7 * 256,)
    folder = tmp_path / "run/samples/step_00000044"
    assert sorted(path.name for path in folder.iterdir()) == ["1_0.made.wav", "1_0.true.wav"]
    true = read_audio(folder / "1_0.true.wav")
    assert len(true) == len(read_audio(folder / "1_0.made.wav")) == 13230 // 256 * 256
    assert np.abs(true).max() == pytest.approx(0.95, abs=1e-3)


def test_it_starts_from_published_files(tmp_path, clips, published):
    shape = {"max_steps": 1, "learning_rate": 1e-12, "discriminators": str(published / "do_00000005")}
    with pytest.raises(ConfigError, match=r"say --set rates=\[8,8,2,2\] --set dilations=\[1,3,5\]"):
        train("finetune", tmp_path / "other", clips, {"init": published / "generator"}, **shape)
    shape |= {"rates": [8, 8, 2, 2], "dilations": [1, 3, 5]}
    train("finetune", tmp_path / "run", clips, {"init": published / "generator"}, **shape)
    assert load_generator(tmp_path / "run").config == HiFiGANConfig(channels=16)
    (state,) = (checkpoint.load(path) for path in RunFolder(tmp_path / "run").list_checkpoints().values())
    before = torch.load(published / "generator")["generator"]
    assert state["modules"]["generator"].keys() == before.keys()
    assert all(torch.allclose(before[key], value) for key, value in state["modules"]["generator"].items())
    judges = torch.load(published / "do_00000005")
    now = state["modules"]["discriminators"]
    assert now.keys() == {f"{name}.{key}" for name in ("mpd", "msd") for key in judges[name]}
    for weight in ("mpd.discriminators.4.convs.2.weight_v", "msd.discriminators.0.convs.0.weight_orig"):
        name, _, key = weight.partition(".")
        assert torch.allclose(now[weight], judges[name][key])


def test_it_goes_on_with_the_discriminators_of_a_run(tmp_path, clips):
    train("vocoder", tmp_path / "first", clips, max_steps=1)
    shape = {"max_steps": 1, "learning_rate": 1e-12, "discriminators": str(tmp_path / "first")}
    train("finetune", tmp_path / "second", clips, {"init": tmp_path / "first"}, **shape)
    first, second = (
        checkpoint.load(RunFolder(tmp_path / name).checkpoint(1))["modules"]["discriminators"]
        for name in ("first", "second")
    )
    assert all(torch.allclose(first[key], second[key]) for key in first if not key.endswith(("weight_u", "weight_v")))


def test_weights_of_another_network_are_named(tmp_path, clips, published):
    with pytest.raises(WeightsError, match="holds a HiFi-GAN vocoder, not the discriminators of HiFi-GAN"):
        train("vocoder", tmp_path / "a", clips, max_steps=1, discriminators=str(published / "generator"))
    with pytest.raises(WeightsError, match="holds the discriminators of HiFi-GAN, not a HiFi-GAN vocoder"):
        train("vocoder", tmp_path / "b", clips, {"init": published / "do_00000005"}, max_steps=1)


@pytest.mark.parametrize("joined", [0, 99], ids=["with discriminators", "without"])
def test_a_loss_that_is_not_finite_ends_the_run(tmp_path, clips, joined):
    with pytest.raises(TrainingError):
        train("vocoder", tmp_path / "run", clips, max_steps=30, learning_rate=1e30, adversarial_from=joined)


def test_the_learning_rates_fall_with_the_epochs_or_the_steps(clips):
    task = VocoderTask.__new__(VocoderTask)
    task.config, task.train_data = config_of("vocoder", decay=0.5, batch_size=4), range(10)
    task.fabric = type("One", (), {"world_size": 1})
    assert [task._rate(step) for step in (0, 2, 3, 5)] == [1, 1, 0.5, 0.25]
    assert task.advice([{"step": 2}]) is None
    assert "--set decay_every=809" in task.advice([{"step": 30}])
    task.config = config_of("vocoder", decay=0.5, decay_every=4)
    assert [task._rate(step) for step in (3, 4, 8)] == [1, 0.5, 0.25]
    assert task.advice([{"step": 300}]) is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"rates": [8, 8]}, "product must be 256"),
        ({"kernels": [16]}, "as many as rates"),
        ({"kernels": [16, 17]}, "17 is none for the rate 16"),
        ({"channels": 18}, "multiple of 4"),
        ({"block_kernels": [4]}, "odd numbers"),
        ({"dilations": []}, "one at least"),
    ],
)
def test_sizes_that_do_not_fit_are_said(values, words):
    with pytest.raises(ConfigError, match=words):
        config_of("vocoder", **values).sizes()


@pytest.mark.parametrize("stage", [stage.name for stage in MODEL.stages])
def test_every_key_is_described_and_every_preset_is_valid(stage):
    kind = load(MODEL.stage(stage).config)
    assert all(field.description for field in kind.model_fields.values())
    channels = {name: make_config(kind, preset=name).sizes().channels for name in (None, *kind.presets)}
    assert channels == {None: 512, "v2": 128, "tiny": 128}
    assert "learning_rate" in as_yaml(make_config(kind))

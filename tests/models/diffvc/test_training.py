"""The two stages through the loop: parts of a batch change no gradient, the encoder stays frozen, a resume is exact."""

import csv

import pytest
import torch
from lightning_fabric import Fabric

from tests.models.diffvc.speech import write_data_set, write_seed_layout
from tests.train.helpers import Told, same
from tk_tools.errors import ConfigError, InputError
from tk_tools.files.companions import Companions
from tk_tools.models import get_model, load
from tk_tools.models.diffvc.average_voice import AverageVoice, AverageVoiceConfig
from tk_tools.models.diffvc.config import DecoderConfig
from tk_tools.models.diffvc.networks import DiffVC, frame_mask
from tk_tools.models.diffvc.published import load_average_voice, load_diffvc
from tk_tools.models.diffvc.score import ScoreConfig
from tk_tools.models.diffvc.training import DecoderTask
from tk_tools.models.stages import suffixes_of
from tk_tools.train import checkpoint
from tk_tools.train.clips import ClipFiles
from tk_tools.train.config import make_config
from tk_tools.train.run_folder import RunFolder, read_weights
from tk_tools.train.session import run_stage
from tk_tools.train.task import Task

MODEL = get_model("diffvc")
SHARED = {
    "batch_size": 4,
    "crop_frames": 16,
    "loader_workers": 0,
    "accelerator": "cpu",
    "log_every": 1,
    "min_utterances": 1,
}
SMALL = {
    "encoder": SHARED | {"network": {"channels": 16, "filters": 16, "layers": 1, "picture_channels": 8}},
    "decoder": SHARED | {"network": {"channels": 8, "condition": 8}, "sample_steps": 1, "crops_at_once": 2},
}


def train(stage, out, data, needs=None, log=None, **values):
    described = MODEL.stage(stage)
    found = sorted(data.rglob("*.*"))
    reads = suffixes_of(described)
    clips = [path for path in found if path.name.endswith(reads)]
    beside = tuple(Companions(found, suffixes_of(part), part.made_by) for part in described.beside)
    return run_stage(
        model="diffvc",
        stage=stage,
        task=load(described.task),
        config=make_config(load(described.config), values=SMALL[stage] | values),
        clips=ClipFiles(clips[1:], clips[:1], beside),
        suffixes=reads,
        needs=needs or {},
        out=out,
        log=log or Told(),
        command="test",
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_data_set(folder)
    return folder


@pytest.fixture(scope="module")
def encoder(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "encoder"
    train("encoder", folder, data, max_steps=30, validate_every=15, checkpoint_every=30, learning_rate=0.01)
    return folder


def rows_of(run):
    with open(run / "metrics.csv", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_encoder_learns_and_leaves_samples(encoder):
    losses = [float(row["train/loss"]) for row in rows_of(encoder)]
    assert losses[-1] < 0.7 * losses[0]
    assert {path.name for path in (encoder / "samples/step_00000030").iterdir()} == {
        "average.wav", "made.wav", "mels.png", "voice.wav"
    }  # fmt: skip


def test_the_decoders_weights_are_the_whole_model_with_the_encoder_as_it_was(data, encoder, tmp_path):
    best = train("decoder", tmp_path / "run", data, {"encoder": encoder}, max_steps=2, validate_every=2)
    whole, given = load_diffvc(best), load_average_voice(encoder)
    assert same(whole.encoder.state_dict(), given.state_dict())
    assert same(load_average_voice(best).state_dict(), given.state_dict())


def test_a_resumed_decoder_equals_an_unbroken_one(data, encoder, tmp_path):
    shape = {"validate_every": 2, "checkpoint_every": 2}
    train("decoder", tmp_path / "unbroken", data, {"encoder": encoder}, max_steps=4, **shape)
    train("decoder", tmp_path / "broken", data, {"encoder": encoder}, max_steps=2, **shape)
    train("decoder", tmp_path / "broken", data, {"encoder": encoder}, max_steps=4, **shape)
    unbroken, broken = RunFolder(tmp_path / "unbroken"), RunFolder(tmp_path / "broken")
    assert unbroken.metrics.read_text() == broken.metrics.read_text()
    assert same(checkpoint.load(unbroken.checkpoint(4))["modules"], checkpoint.load(broken.checkpoint(4))["modules"])


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_parts_of_a_batch_give_the_gradients_of_the_whole(at_once):
    def learnt(crops_at_once):
        torch.manual_seed(0)
        config = make_config(DecoderConfig, values={"crops_at_once": crops_at_once})
        task = object.__new__(DecoderTask)
        Task.__init__(task, config, Fabric(accelerator="cpu", devices=1), [], [], {})
        sizes = AverageVoiceConfig(channels=16, filters=16, layers=1, picture_channels=8)
        network = DiffVC(sizes, ScoreConfig(channels=8, condition=8)).eval()
        task.set_up(network)
        task.update = lambda *given: None  # the gradients stay
        mel, noise = torch.randn(2, 5, 80, 8)
        mask = frame_mask(torch.tensor([8, 3, 8, 5, 8]), 8)  # of unlike lengths
        loss = task.learn(mel, mel.flip(2), torch.rand(5, 256), mask, torch.rand(5), noise)
        return float(loss), {key: weight.grad for key, weight in network.decoder.named_parameters()}

    (loss, gradients), (whole_loss, whole) = learnt(at_once), learnt(5)
    assert loss == pytest.approx(whole_loss, rel=1e-5)
    largest = max(float(value.abs().max()) for value in whole.values())
    for key, value in whole.items():
        torch.testing.assert_close(gradients[key], value, rtol=1e-3, atol=1e-5 * largest, msg=key)


def test_speakers_with_few_clips_are_left_out_and_told_once(data, encoder, tmp_path):
    log = Told()
    with pytest.raises(InputError, match="none of the clips for training"):
        train("decoder", tmp_path, data, {"encoder": encoder}, log=log, min_utterances=10, max_steps=1)
    assert log.lines == [
        "left out: speaker a: 3 clips, fewer than min_utterances=10",
        "left out: speaker b: 3 clips, fewer than min_utterances=10",
    ]


def test_the_originals_layout_trains_both_stages(tmp_path):
    write_seed_layout(tmp_path / "data")
    train("encoder", tmp_path / "enc", tmp_path / "data", max_steps=1, validate_every=1)
    best = train(
        "decoder", tmp_path / "dec", tmp_path / "data", {"encoder": tmp_path / "enc"}, max_steps=1, validate_every=1
    )
    assert read_weights(best)[1]["network"] == "diffvc"


def test_heads_divide_the_channels(data, tmp_path):
    with pytest.raises(ConfigError, match=r"network.heads must divide"):
        train("encoder", tmp_path, data, network={"channels": 16, "heads": 3}, max_steps=1)


def test_the_frozen_encoder_drops_what_it_dropped_when_it_was_trained(data, tmp_path):
    train("encoder", tmp_path / "enc", data, max_steps=1, validate_every=1, prenet_dropout=0.25, dropout=0.05)
    encoder = load_average_voice(tmp_path / "enc")
    assert (encoder.encoder.prenet.dropout, encoder.encoder.encoder.dropout) == (0.25, 0.05)


def test_dropout_is_the_configs_even_of_given_weights(tmp_path):
    network = AverageVoice(AverageVoiceConfig(channels=16, filters=16, layers=1, picture_channels=8))
    network.set_dropout(0.0, 0.0)
    mel, mask = torch.randn(1, 80, 12), torch.ones(1, 1, 12)
    torch.testing.assert_close(network.train()(mel, mask), network.eval()(mel, mask))
    network.set_dropout(0.5, 0.1)
    assert not torch.allclose(network.train()(mel, mask), network.eval()(mel, mask))

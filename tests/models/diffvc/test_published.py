"""Checkpoints load as they are published, at all sizes, and a wrong one is named."""

from dataclasses import replace

import pytest
import torch

from tests.models.diffvc.drawn import DECODER, ENCODER, small_diffvc, write_published
from tk_tools.errors import WeightsError
from tk_tools.models.diffvc.average_voice import AverageVoice
from tk_tools.models.diffvc.networks import DiffVC
from tk_tools.models.diffvc.published import load_average_voice, load_diffvc
from tk_tools.models.diffvc.score import ScoreConfig
from tk_tools.nets.hifigan import HiFiGAN, HiFiGANConfig
from tk_tools.weights.save import save_safetensors


def equal(a, b):
    b = b.state_dict()
    return b.keys() == a.state_dict().keys() and all(
        torch.equal(value, b[key]) for key, value in a.state_dict().items()
    )


@pytest.mark.parametrize(
    ("encoder", "decoder"),
    [
        (ENCODER, DECODER),
        (replace(ENCODER, channels=16, heads=1, layers=1), replace(DECODER, use_reference=False)),
        (replace(ENCODER, filters=16, picture_channels=16), ScoreConfig(channels=16, condition=8)),
    ],
)
def test_sizes_are_found(tmp_path, encoder, decoder):
    network = DiffVC(encoder, decoder)
    path = write_published(tmp_path / "vc.pt", network)
    loaded = load_diffvc(path)
    assert equal(network, loaded)
    assert loaded.encoder.encoder.encoder.attn_layers[0].heads == encoder.heads
    assert not loaded.training
    assert equal(network.encoder, load_average_voice(path))
    assert equal(network.encoder, load_average_voice(write_published(tmp_path / "enc.pt", network.encoder)))


def test_published_sizes_are_the_defaults(tmp_path):
    network = AverageVoice()
    assert equal(network, load_average_voice(write_published(tmp_path / "enc.pt", network)))


def test_runs_stand_for_their_best_weights(tmp_path):
    network = small_diffvc()
    for name, part in (("dec", network), ("enc", network.encoder)):
        (tmp_path / name).mkdir()
        about = {"model": "diffvc", "stage": name, "network": "generator", "step": 3, "settings": {}}
        save_safetensors(tmp_path / name / "best.safetensors", part.state_dict(), about)
    assert equal(network, load_diffvc(tmp_path / "dec"))
    assert equal(network.encoder, load_average_voice(tmp_path / "enc"))
    with pytest.raises(WeightsError, match="DiffVC's mel encoder, not DiffVC, encoder and decoder"):
        load_diffvc(tmp_path / "enc")


def test_another_network_is_named(tmp_path):
    vocoder = write_published(tmp_path / "generator", HiFiGAN(HiFiGANConfig(channels=16)))
    for load in (load_diffvc, load_average_voice):
        with pytest.raises(WeightsError, match="holds a HiFi-GAN vocoder, not DiffVC"):
            load(vocoder)


def test_weights_for_another_mel_are_refused(tmp_path):
    path = write_published(tmp_path / "vc.pt", DiffVC(replace(ENCODER, bands=64), DECODER))
    with pytest.raises(WeightsError, match=r"init_proj.weight is 24x64x1, not 24x80x1"):
        load_diffvc(path)


def test_a_missing_tensor_is_an_error(tmp_path):
    state = small_diffvc().state_dict()
    del state["decoder.estimator.final_conv.bias"]
    torch.save(state, tmp_path / "vc.pt")
    with pytest.raises(WeightsError, match=r"not whole or of another version .* 1 missing"):
        load_diffvc(tmp_path / "vc.pt")

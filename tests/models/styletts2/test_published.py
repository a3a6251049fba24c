"""Checkpoints load as they are published, at all sizes; what is missing, untrained or another network is named."""

import gzip
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.models.styletts2.drawn import (
    ALIGNER,
    BERT,
    MANY_VOICES,
    ONE_VOICE,
    PITCH,
    drawn,
    small,
    with_detector,
    write_published,
)
from tk_tools.errors import ConfigError, MissingPackage, WeightsError
from tk_tools.models.styletts2.aligner import TextAligner
from tk_tools.models.styletts2.networks import StyleTTS2
from tk_tools.models.styletts2.pitch_extractor import PitchExtractor
from tk_tools.models.styletts2.plbert import new_plbert
from tk_tools.models.styletts2.published import (
    SPEAKING,
    load_aligner,
    load_discriminators,
    load_pitch_extractor,
    load_plbert,
    load_styletts2,
    of_our_names,
    read_sigma_data,
    sizes_of,
)
from tk_tools.models.styletts2.sizes import LIBRITTS, LJSPEECH, SIGMA_DATA
from tk_tools.nets.hifigan import HiFiGAN, HiFiGANConfig

KEYS = Path(__file__).parents[2] / "weights" / "published_keys.json.gz"
CONFIG = "model_params: {{diffusion: {{dist: {{sigma_data: {}, estimate_sigma_data: {}}}}}}}"


def equal(a, b):
    ours, theirs = a.state_dict(), b.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize(
    "sizes", [ONE_VOICE, MANY_VOICES, replace(ONE_VOICE, longest_duration=20, layers=1, bert=replace(BERT, inner=24))]
)
def test_sizes_are_found(tmp_path, sizes, prefix):
    network = small(sizes)
    loaded = load_styletts2(write_published(tmp_path / "epoch_2nd_00001.pth", network, prefix=prefix))
    assert loaded.sizes == sizes
    assert equal(network, loaded)
    assert loaded.diffusion.sigma_data == SIGMA_DATA["many" if sizes.many_voices else "one"]
    assert not loaded.training


@pytest.mark.parametrize("sizes", [LJSPEECH, LIBRITTS], ids=["ljspeech", "libritts"])
def test_published_sizes_are_the_defaults(sizes):
    with torch.device("meta"):
        state = StyleTTS2(sizes).state_dict()
    assert sizes_of(state) == sizes


def test_the_published_file_has_what_we_ask_for():
    published = json.loads(gzip.decompress(KEYS.read_bytes()))["styletts2"]
    with torch.device("meta"):
        ours = {key: list(value.shape) for key, value in StyleTTS2(LIBRITTS).state_dict().items()}
    parts = {part: {} for part in SPEAKING}
    for key, shape in published.items():
        part, _, name = key.partition(".")
        if part in parts:
            parts[part][name] = shape
    renamed = {f"{part}.{key}": shape for part in parts for key, shape in of_our_names(part, parts[part]).items()}
    assert renamed == ours


def test_parts_in_files_of_their_own(tmp_path):
    aligner, pitch, bert = drawn(TextAligner(ALIGNER)), drawn(PitchExtractor(PITCH)), drawn(new_plbert(ONE_VOICE))
    torch.save({"model": aligner.state_dict(), "epoch": 80}, tmp_path / "epoch_00080.pth")
    torch.save({"net": with_detector(pitch.state_dict())}, tmp_path / "bst.t7")
    inner = {f"module.encoder.{key}": value for key, value in bert.state_dict().items()}
    inner |= {
        "module.encoder.embeddings.position_ids": torch.arange(40)[None],
        "module.mask_predictor.bias": torch.ones(2),
    }
    torch.save({"net": inner, "step": 1_000_000}, tmp_path / "step_1000000.t7")
    whole = write_published(tmp_path / "whole.pth", small())
    for alone in (True, False):
        assert equal(load_aligner(tmp_path / "epoch_00080.pth" if alone else whole), aligner)
        assert equal(load_pitch_extractor(tmp_path / "bst.t7" if alone else whole), pitch)
    assert equal(load_plbert(tmp_path / "step_1000000.t7"), bert)
    assert load_plbert(whole).config.hidden_size == BERT.width


def test_a_missing_part_is_named(tmp_path):
    path = write_published(tmp_path / "a.pth", small(), without=("diffusion", "bert"))
    with pytest.raises(WeightsError, match=r"holds no bert, diffusion of StyleTTS 2 .*whole checkpoint"):
        load_styletts2(path)
    with pytest.raises(WeightsError, match=r"holds no mpd of StyleTTS 2 \(it has: .*text_aligner"):
        load_discriminators(path)


def test_the_first_stage_is_refused(tmp_path):
    path = write_published(tmp_path / "first_stage.pth", StyleTTS2(ONE_VOICE), prefix="")
    with pytest.raises(WeightsError, match="of the first stage: its prosody predictor was never trained"):
        load_styletts2(path)


def test_another_network_is_named(tmp_path):
    torch.save({"generator": HiFiGAN(HiFiGANConfig(channels=16)).state_dict()}, tmp_path / "generator")
    with pytest.raises(
        WeightsError, match="holds a HiFi-GAN vocoder, not StyleTTS 2; give a run of --stage second or finetune"
    ):
        load_styletts2(tmp_path / "generator")
    torch.save({"model": drawn(TextAligner(ALIGNER)).state_dict()}, tmp_path / "aligner")
    with pytest.raises(WeightsError, match="holds StyleTTS 2's text aligner, not StyleTTS 2's pitch extractor"):
        load_pitch_extractor(tmp_path / "aligner")


def test_a_missing_tensor_is_an_error(tmp_path):
    network = small()
    del network.text_encoder.lstm.bias_hh_l0
    with pytest.raises(WeightsError, match=r"1 missing, such as text_encoder.lstm.bias_hh_l0"):
        load_styletts2(write_published(tmp_path / "a.pth", network))


def test_sigma_data_comes_from_the_configuration(tmp_path):
    config = tmp_path / "config.yml"
    config.write_text(CONFIG.format(0.31, "true"))
    path = write_published(tmp_path / "a.pth", small())
    assert load_styletts2(path, config).diffusion.sigma_data == 0.31
    config.write_text(CONFIG.format(0.2, "false"))
    assert read_sigma_data(config) == 0.2


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (CONFIG.format(0.2, "true"), "what stands there before training"),
        ("model_params: {}", "says no model_params.diffusion.dist.sigma_data"),
        ("model_params: [", "cannot be read"),
        ("just a text", "says no model_params"),
    ],
)
def test_other_configurations_are_refused(tmp_path, text, what):
    (tmp_path / "config.yml").write_text(text)
    with pytest.raises(ConfigError, match=what):
        read_sigma_data(tmp_path / "config.yml")


def test_without_transformers_the_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingPackage, match=r"pip install '\.\[styletts2\]'"):
        StyleTTS2(ONE_VOICE)

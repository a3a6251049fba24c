"""HuBERT and Whisper through transformers: narrow ones, made here. Nothing is downloaded."""

import sys

import numpy as np
import pytest

from tests.audio.recogniser_weights import write_hubert, write_whisper
from tests.audio.voices import voice
from tk_tools.audio.encoder_features import overlapping
from tk_tools.audio.speech_features import open_feature_model
from tk_tools.errors import MissingPackage, WeightsError

FRAME = 640


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("models")
    return {"hubert": write_hubert(folder / "hubert"), "whisper": write_whisper(folder / "whisper")}


@pytest.mark.parametrize("name", ["hubert", "whisper"])
def test_one_row_a_frame_and_finite_for_silence(folders, name):
    model = open_feature_model(name, folders[name])
    for samples, rows in ((10 * FRAME, 10), (10 * FRAME + 1, 11), (1, 1)):
        assert model.features(voice(seconds=2)[:samples]).shape == (rows, 32)
    silent = model.features(np.zeros(12 * FRAME, np.float32), 12)
    assert silent.shape == (12, 32)
    assert np.isfinite(silent).all()


def test_a_row_is_the_mean_of_its_two_steps(folders):
    import torch
    from transformers import AutoFeatureExtractor, HubertModel

    samples = voice(seconds=0.4)
    hubert = HubertModel.from_pretrained(folders["hubert"]).eval()
    given = AutoFeatureExtractor.from_pretrained(folders["hubert"])(samples, sampling_rate=16000, return_tensors="pt")
    with torch.inference_mode():
        steps = hubert(given.input_values).last_hidden_state[0].numpy()  # 19 of 20 ms: the last one lacks 80 samples
    rows = open_feature_model("hubert", folders["hubert"]).features(samples)
    # the zeros behind the end reach every step through the attention
    assert rows[:8] == pytest.approx((steps[0:16:2] + steps[1:17:2]) / 2, abs=0.2)
    assert np.corrcoef(rows[:8].ravel(), ((steps[0:16:2] + steps[1:17:2]) / 2).ravel())[0, 1] > 0.99


@pytest.mark.parametrize("seconds", [0.01, 29.99, 30, 30.01, 50, 50.02, 95.5])
def test_windows_hold_every_frame_once_and_in_order(seconds):
    wave = np.arange(round(seconds * 16000), dtype=np.float32)
    found = []
    for window, first, last in overlapping(iter(np.array_split(wave, 7))):
        assert len(window) % FRAME == 0
        assert len(window) <= 30 * 16000
        found.append(window[first * FRAME : last * FRAME])
    joined = np.concatenate(found)
    assert len(joined) == -(-len(wave) // FRAME) * FRAME
    assert np.array_equal(joined[: len(wave)], wave)
    assert not joined[len(wave) :].any()


def test_another_model_and_a_folder_without_one_are_told(folders, tmp_path):
    with pytest.raises(WeightsError, match="holds a model of the kind hubert, not whisper"):
        open_feature_model("whisper", folders["hubert"])
    with pytest.raises(WeightsError, match=r"holds no config\.json and no .*name the folder of a whole hubert model"):
        open_feature_model("hubert", tmp_path)


def test_a_damaged_model_is_told(folders, tmp_path):
    for file in folders["hubert"].iterdir():
        content = file.read_bytes()
        (tmp_path / file.name).write_bytes(content[: len(content) // 2] if file.suffix == ".safetensors" else content)
    with pytest.raises(WeightsError, match="cannot be read as a hubert model"):
        open_feature_model("hubert", tmp_path)


def test_a_model_that_is_not_here_is_not_fetched(folders, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match="get it with: hf download facebook/wav2vec2-base-960h"):
        open_feature_model("wav2vec2")


def test_missing_transformers_is_named(monkeypatch):
    for package in ("transformers", "huggingface_hub"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackage, match="--model hubert needs transformers; install it with: pip install"):
        open_feature_model("hubert")

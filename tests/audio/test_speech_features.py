"""Speech features: as many rows as frames, the same numbers however the sound comes in, finite for silence."""

import numpy as np
import pytest
import torch

from tests.audio.recogniser_weights import GRAPH, write_deepspeech, write_deepspeech2
from tests.audio.voices import voice
from tk_tools.audio.deepspeech import cepstra
from tk_tools.audio.speech_features import feature_files, open_feature_model
from tk_tools.errors import ConfigError, InputError, WeightsError
from tk_tools.nets import deepspeech, deepspeech2
from tk_tools.weights.convert import convert

FRAME = 640


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    return {
        "deepspeech": open_feature_model("deepspeech", write_deepspeech(folder)),
        "deepspeech2": open_feature_model("deepspeech2", write_deepspeech2(folder)),
        "mel": open_feature_model("mel"),
    }


@pytest.fixture(params=["deepspeech", "deepspeech2", "mel"])
def model(request, models):
    return models[request.param]


def sound(samples):
    return voice(seconds=samples / 16000 + 1)[:samples]


@pytest.mark.parametrize(
    ("samples", "frames", "rows"),
    [
        (10 * FRAME, None, 10),
        (10 * FRAME + 1, None, 11),
        (10 * FRAME - 1, None, 10),
        (10 * FRAME, 10, 10),
        (10 * FRAME, 8, 8),
        (10 * FRAME, 13, 13),
        (1, None, 1),
        (800, None, 2),
        (100, 4, 4),
    ],
)
def test_as_many_rows_as_frames(model, samples, frames, rows):
    values = model.features(sound(samples), frames)
    assert values.shape == (rows, model.channels)
    assert values.dtype == np.float32
    assert np.isfinite(values).all()


@pytest.mark.parametrize("frames", [1, 7, 25, 100])
def test_the_models_give_the_rows_of_the_published_lengths(models, frames):
    pieces = lambda: iter([sound(frames * FRAME)])  # noqa: E731
    assert len(models["deepspeech"]._rows(pieces())) == frames
    assert len(models["deepspeech2"]._rows(pieces())) == frames + 1
    assert len(models["mel"]._rows(pieces())) == frames


def test_what_ends_early_goes_on_and_what_is_beyond_is_not_heard(model):
    whole = sound(20 * FRAME)
    short = model.features(whole, 24)
    assert (short[20:] == short[-1]).all()
    assert np.array_equal(model.features(whole, 12), model.features(whole[: 12 * FRAME], 12))


def test_the_same_however_the_sound_is_cut(model):
    whole = sound(50 * FRAME + 123)
    pieces = np.split(whole, [1, 160, 5000, 5001, 20000])
    assert np.array_equal(model.features_of(iter(pieces)), model.features(whole))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_silence_and_a_constant_give_finite_numbers(model, value):
    values = model.features(np.full(20 * FRAME, value, np.float32))
    assert np.isfinite(values).all()


@pytest.mark.parametrize(("samples", "says"), [([], "empty"), ([0.1, np.nan, 0.2], "no numbers")])
def test_no_sound_and_no_numbers_are_told(model, samples, says):
    with pytest.raises(InputError, match=says):
        model.features(np.array(samples, np.float32))


def test_mel_is_quiet_in_silence_and_moves_with_the_sound(models):
    whole = np.zeros(50 * FRAME, np.float32)
    whole[20 * FRAME : 21 * FRAME] = sound(FRAME + 9000)[9000:]
    values = models["mel"].features(whole)
    assert values[:19] == pytest.approx(np.full((19, 80), -1), abs=0.05)
    assert values.mean(axis=1).argmax() == 20
    assert values.max() < 1.2


@pytest.mark.parametrize("name", ["deepspeech", "deepspeech2", "mel"])
def test_a_row_is_of_its_frame(models, name):
    """Where the sound of one frame is another, the rows that change lie around that frame."""
    whole = sound(60 * FRAME)
    changed = whole.copy()
    changed[30 * FRAME : 31 * FRAME] = 0.3 * np.random.default_rng(0).standard_normal(FRAME)
    moved = np.square(models[name].features(changed) - models[name].features(whole)).sum(axis=1)
    assert moved @ np.arange(60) / moved.sum() == pytest.approx(30, abs=1)


def test_every_second_cepstrum_is_kept_across_blocks():
    from tk_tools.audio.mfcc import mfcc

    samples = np.random.default_rng(0).integers(-9000, 9000, 160 * 4100).astype(np.int16)
    assert np.array_equal(cepstra(np.array_split(samples, 7)), mfcc(samples, 26)[::2])


@pytest.mark.parametrize("module", [deepspeech, deepspeech2], ids=["deepspeech", "deepspeech2"])
def test_blocks_of_a_long_recording_leave_no_seam(models, module, monkeypatch):
    model = models[module.__name__.rpartition(".")[2]]
    whole = model.features(sound(80 * FRAME))
    monkeypatch.setattr(module, "_BLOCK", 30)
    assert model.features(sound(80 * FRAME)) == pytest.approx(whole, abs=1e-5)


def test_the_network_of_torch_is_the_cell_of_the_graph():
    """Step by step, as TensorFlow's BasicLSTMCell is defined."""
    from tk_tools.weights.load import load_state_dict

    tensors = load_state_dict(GRAPH)
    network = deepspeech.DeepSpeech(24)
    network.load_state_dict(deepspeech.from_graph(tensors))
    inputs = torch.rand(5, 48)
    expected, c, h = [], torch.zeros(24), torch.zeros(24)
    for step in inputs:
        gates = torch.cat([step, h]) @ tensors["bidirectional_rnn/fw/basic_lstm_cell/kernel"]
        i, j, f, o = (gates + tensors["bidirectional_rnn/fw/basic_lstm_cell/bias"]).chunk(4)
        c = c * torch.sigmoid(f + 1) + torch.sigmoid(i) * torch.tanh(j)
        h = torch.tanh(c) * torch.sigmoid(o)
        expected.append(h)
    with torch.inference_mode():
        assert torch.allclose(network.lstm(inputs[:, None])[0][:, 0, :24], torch.stack(expected), atol=1e-6)


def test_a_converted_graph_gives_the_same_features(models, tmp_path):
    facts = convert(GRAPH, tmp_path / "deepspeech.safetensors")
    assert (facts["network"], facts["tensors"]) == ("deepspeech010", 14)
    converted = open_feature_model("deepspeech", tmp_path / "deepspeech.safetensors")
    samples = sound(10 * FRAME)
    assert np.array_equal(converted.features(samples), models["deepspeech"].features(samples))


def test_weights_in_their_folder_are_found(monkeypatch, tmp_path):
    monkeypatch.setenv("TK_WEIGHTS", str(tmp_path))
    (tmp_path / "deepspeech.safetensors").touch()
    assert feature_files("deepspeech") == (tmp_path / "deepspeech.safetensors",)
    assert feature_files("deepspeech", "deepspeech010") == (tmp_path / "deepspeech.safetensors",)
    assert feature_files("mel") == ()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (lambda graph: graph[: len(graph) // 2], "cut short or no TensorFlow graph"),
        (lambda graph: graph.replace(b"\x0a\x02h6", b"\x0a\x02h7"), "not DeepSpeech 0.1.0 but an unknown network"),
        (lambda graph: b"\n\n<!DOCTYPE html><html>not found</html>", "web page"),
        (lambda graph: b"", "is empty"),
    ],
    ids=["cut", "part", "page", "empty"],
)
def test_a_graph_that_is_not_whole_is_told(tmp_path, content, says):
    path = tmp_path / "output_graph.pb"
    path.write_bytes(content(GRAPH.read_bytes()))
    with pytest.raises(WeightsError, match=says):
        open_feature_model("deepspeech", path)


def test_weights_of_another_network_are_named(tmp_path):
    with pytest.raises(WeightsError, match=r"holds DeepSpeech2, not DeepSpeech 0\.1\.0"):
        open_feature_model("deepspeech", write_deepspeech2(tmp_path))
    with pytest.raises(WeightsError, match=r"holds DeepSpeech 0\.1\.0, not DeepSpeech2"):
        open_feature_model("deepspeech2", GRAPH)


def test_unknown_names_and_missing_files(monkeypatch, tmp_path):
    monkeypatch.setenv("TK_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="no features named 'deepspeach'; known: deepspeech, deepspeech2"):
        open_feature_model("deepspeach")
    with pytest.raises(ConfigError, match="have no weights"):
        open_feature_model("mel", "a.pb")
    with pytest.raises(WeightsError, match=r"download output_graph\.pb from .* by hand and put it at"):
        open_feature_model("deepspeech")
    with pytest.raises(WeightsError, match="tk-weights fetch deepspeech2"):
        open_feature_model("deepspeech2")
    with pytest.raises(WeightsError, match="no such file of weights"):
        open_feature_model("deepspeech", tmp_path / "none.pb")

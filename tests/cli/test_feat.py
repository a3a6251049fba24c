"""tk-feat: as many rows as the clip has frames, whatever the sound comes in; what is of no use is told."""

import json
import sys

import numpy as np
import pytest
import soundfile
import torch

from tests.audio.recogniser_weights import write_deepspeech, write_deepspeech2
from tests.audio.voices import voice
from tests.media import write_clip
from tk_tools.audio.speech_features import open_feature_model
from tk_tools.files.feature_file import read_feature_file
from tk_tools.files.video import VideoReader
from tk_tools.weights.save import save_safetensors
from tk_tools.weights.signatures import SIGNATURES


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    write_deepspeech(folder)
    write_deepspeech2(folder)
    return folder


@pytest.fixture(autouse=True)
def _weights(monkeypatch, weights):
    monkeypatch.setenv("TK_WEIGHTS", str(weights))


def write_voice(path, seconds=2.0, rate=16000, *, channels=1, subtype="PCM_16", level=1.0):
    samples = np.repeat(level * voice(rate, seconds=seconds, gap=(0, 0))[:, None], channels, axis=1)
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


@pytest.mark.parametrize(("model", "channels"), [("deepspeech", 29), ("deepspeech2", 29), ("mel", 80)])
def test_a_sound_gives_the_features_of_its_samples(tk, tmp_path, model, channels):
    source = write_voice(tmp_path / "a.wav", seconds=2.01)
    ran = tk("tk-feat", "--json", "--model", model, source, tmp_path / "out")
    assert (ran.code, ran.err) == (0, "")
    row = json.loads(ran.out)
    assert (row["frames"], row["channels"], row["seconds"]) == (51, channels, 2.04)
    features = read_feature_file(row["path"])
    assert (features.model, features.rate, features.values.dtype) == (model, 25, np.float32)
    samples = soundfile.read(source, dtype="float32")[0]
    assert features.values == pytest.approx(open_feature_model(model).features(samples), abs=1e-6)


@pytest.mark.parametrize(
    "clip",
    [
        {"frames": 50},
        {"frames": 61, "fps": 30},
        {"frames": 47, "fps": "24000/1001"},
        {"frames": 30, "times": "N*40+mod(N\\,3)*15"},
        {"frames": 50, "sound_delay": 0.5, "sound": 1.5},
    ],
    ids=["plain", "30/s", "23.976/s", "variable", "late"],
)
def test_a_video_gives_as_many_rows_as_frames_at_25(tk, tmp_path, clip):
    source = write_clip(tmp_path / "a.mp4", **clip)
    reader = VideoReader(source)
    frames = sum(1 for _ in reader)
    (path,) = tk("tk-feat", "--model", "mel", source, tmp_path / "out").paths
    assert len(read_feature_file(path).values) == frames


def test_a_click_lies_in_the_row_of_its_time(tk, tmp_path):
    source = write_clip(tmp_path / "a.mp4", sound_delay=0.3)
    (path,) = tk("tk-feat", "--model", "mel", source, tmp_path / "out").paths
    loudness = read_feature_file(path).values.mean(axis=1)
    assert set(np.argsort(loudness)[-2:]) == {int(25 * 0.7), int(25 * 1.5)}


def test_frames_and_faces_give_the_features_of_their_video(tk, tmp_path):
    clip = write_clip(tmp_path / "a.mp4")
    stored = tk("tk-extract-frames", clip, tmp_path / "stored").paths[0]
    other = tk("tk-extract-frames", "--fps", "30", "--sample-rate", "22050", clip, tmp_path / "other").paths[0]
    values = {}
    for source in (clip, stored, other):
        ran = tk("tk-feat", "--model", "mel", source, tmp_path / f"{source.parent.name}-out")
        assert (ran.code, ran.err) == (0, "")
        assert ran.paths[0].name == "a.feat.h5"
        values[source] = read_feature_file(ran.paths[0]).values
        assert values[source].shape == (50, 80)
    for source in (stored, other):
        assert values[source].mean(axis=1)[10] == pytest.approx(values[clip].mean(axis=1)[10], abs=0.03)


@pytest.mark.parametrize(
    ("sound", "says"), [(3.0, "1.00 s longer than its pictures: cut"), (1.5, "0.50 s shorter than its pictures")]
)
def test_another_length_than_that_of_the_pictures_is_told(tk, tmp_path, sound, says):
    source = write_clip(tmp_path / "a.mkv", sound=sound, options=("-c:v", "libx264", "-c:a", "pcm_s16le"))
    ran = tk("tk-feat", "--model", "mel", source, tmp_path / "out")
    assert ran.code == 0
    assert f"{source}: its sound is {says}" in ran.err
    values = read_feature_file(ran.paths[0]).values
    assert len(values) == 50
    if sound < 2:
        assert (values[38:] == values[37]).all()


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_any_rate_and_channels(tk, tmp_path, rate):
    mono = tk("tk-feat", write_voice(tmp_path / "mono.wav", 1.0), tmp_path / "out").paths[0]
    ran = tk("tk-feat", write_voice(tmp_path / "other.wav", 1.0, rate, channels=2), tmp_path / "out")
    assert ran.code == 0
    assert ("nothing is heard above 4000 Hz" in ran.err) == (rate == 8000)
    found, expected = (read_feature_file(path).values for path in (ran.paths[0], mono))
    assert found.shape == expected.shape
    if rate > 16000:
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("model", ["deepspeech", "deepspeech2", "mel"])
def test_silence_is_finite_and_told_and_so_is_a_very_short_sound(tk, tmp_path, model):
    silent = write_voice(tmp_path / "silent.wav", 1.0, level=0.0)
    short = write_voice(tmp_path / "short.wav", 0.05)
    ran = tk("tk-feat", "--model", model, silent, short, tmp_path / "out")
    assert ran.code == 0
    assert f"{silent}: its sound is silent" in ran.err
    assert [len(read_feature_file(path).values) for path in ran.paths] == [25, 2]


def test_what_is_of_no_use_is_told_and_the_others_are_done(tk, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    write_voice(folder / "a.wav")
    soundfile.write(folder / "b.wav", np.zeros(0), 16000)
    soundfile.write(folder / "c.wav", np.array([0.1, np.nan] * 800), 16000, subtype="FLOAT")
    (folder / "d.wav").write_text("only a text")
    write_clip(folder / "e.mp4", sound=None)
    whole = write_clip(folder / "f.mp4").read_bytes()
    (folder / "f.mp4").write_bytes(whole[: len(whole) // 2])
    stored = tk("tk-extract-frames", folder / "e.mp4", folder).paths[0].rename(folder / "g.frames.h5")
    (folder / "h.face.h5").write_bytes(stored.read_bytes())
    write_voice(folder / "z.wav")
    ran = tk("tk-feat", "--model", "mel", folder, tmp_path / "out")
    assert ran.code == 1
    assert [path.name for path in ran.paths] == ["a.feat.h5", "z.feat.h5"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.feat.h5", "z.feat.h5"]
    for name, says in {
        "b.wav": "0 samples",
        "c.wav": "not a number",
        "d.wav": "not a media file",
        "e.mp4": "has no sound",
        "f.mp4": "",
        "g.frames.h5": "has no sound",
        "h.face.h5": "is of kind frames",
    }.items():
        assert any(f"{folder / name}: " in line and says in line for line in ran.err.splitlines()), name
    assert "2 done, 7 failed" in ran.err


def test_other_models_and_other_weights_make_it_again(tk, tmp_path, weights):
    source = write_voice(tmp_path / "a.wav")
    tk("tk-feat", "--model", "deepspeech", source, tmp_path / "out")
    assert "1 already there" in tk("tk-feat", source, tmp_path / "out").err
    assert "1 done (1 replaced)" in tk("tk-feat", "--model", "mel", source, tmp_path / "out").err
    tk("tk-feat", source, tmp_path / "out")
    tk("tk-weights", "convert", weights / "output_graph.pb", tmp_path / "own.safetensors")
    ran = tk("tk-feat", "--checkpoint", tmp_path / "own.safetensors", source, tmp_path / "out")
    assert "1 done (1 replaced)" in ran.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--checkpoint", "none.pb"), "no such file of weights"),
        (("--checkpoint", "text.pb"), "is not a checkpoint"),
        (("--model", "deepspeech2", "--checkpoint", "deepspeech010"), "holds DeepSpeech 0.1.0, not DeepSpeech2"),
        (("--model", "hubert", "--checkpoint", "empty"), "name the folder of a whole hubert model"),
        (("--model", "hubert", "--checkpoint", "text.pb"), "text.pb: is not a checkpoint"),
        (("--model", "whisper", "--checkpoint", "expert.safetensors"), "holds a Wav2Lip sync expert, not whisper"),
    ],
)
def test_wrong_weights_are_told_once(tk, tmp_path, monkeypatch, options, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.pb").write_text("not weights")
    (tmp_path / "empty").mkdir()
    names = next(signature.keys for signature in SIGNATURES if signature.name == "wav2lip_expert")
    save_safetensors(tmp_path / "expert.safetensors", dict.fromkeys(names, torch.zeros(1)), {})
    ran = tk("tk-feat", *options, write_voice(tmp_path / "a.wav"), write_voice(tmp_path / "b.wav"), "out")
    assert (ran.code, ran.out) == (1, "")
    assert says in ran.err
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_wrong_usage(tk, tmp_path, monkeypatch):
    source = write_voice(tmp_path / "a.wav")
    ran = tk("tk-feat", "--model", "deepspeach", source, tmp_path / "out")
    assert (ran.code, "deepspeech" in ran.err) == (2, True)
    ran = tk("tk-feat", "--model", "mel", "--checkpoint", "a.pb", source, tmp_path / "out")
    assert (ran.code, "the features mel have no weights" in ran.err) == (2, True)
    for package in ("transformers", "huggingface_hub"):
        monkeypatch.setitem(sys.modules, package, None)
    ran = tk("tk-feat", "--model", "whisper", source, tmp_path / "out")
    assert ran.code == 1
    assert "--model whisper needs transformers; install it with: pip install" in ran.err


def test_facts_check_and_plot(tk, tmp_path):
    (path,) = tk("tk-feat", "--model", "mel", write_voice(tmp_path / "a.wav"), tmp_path / "out").paths
    facts = json.loads(tk("tk-info", "--json", path).out)
    assert (facts["kind"], facts["frames"], facts["channels"], facts["source"]) == ("features", 50, 80, "a.wav")
    assert tk("tk-check", path).code == 0
    ran = tk("tk-plot", path, tmp_path / "plots")
    assert [plot.name for plot in ran.paths] == ["a.feat.png"]
    path.write_bytes(path.read_bytes()[:-2000])
    assert tk("tk-check", path).code == 1

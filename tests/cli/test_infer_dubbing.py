"""tk-infer lawdnet and dinet as commands: operands, what is up to date, and one line for each fault."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from tests.dubbing.talking import small_generator, write_checkpoint
from tests.models.wav2lip.talking import write_face, write_sound
from tk_tools.audio.make_features import FeatureOptions, make_features
from tk_tools.face.crop import CropOptions, crop_faces


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dubbing")
    for name in ("lawdnet", "dinet"):
        write_checkpoint(folder / f"{name}.safetensors", name)
    sound = write_sound(folder / "speech.wav", 0.2)
    write_face(folder / "face.mp4", frames=6, sound=sound)
    make_features(sound, folder / "speech.feat.h5", FeatureOptions("mel"))
    crop_faces(folder / "face.mp4", folder / "face.face.h5", CropOptions(layout="lawdnet"))
    return folder


@pytest.fixture
def work(made, tmp_path, monkeypatch):
    """A fresh folder with the made files, as the working directory."""
    for path in made.iterdir():
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def dub(tk):
    def call(*arguments, name="lawdnet", checkpoint=None):
        checkpoint = checkpoint or f"{name}.safetensors"
        return tk("tk-infer", name, "--checkpoint", checkpoint, "--device", "cpu", *arguments)

    return call


@pytest.mark.parametrize("name", ["lawdnet", "dinet"])
def test_face_speech_output(work, dub, name):
    ran = dub("--json", "face.mp4", "speech.wav", "o.mp4", name=name)
    assert ran.code == 0, ran.err
    facts = json.loads(ran.out)
    assert (facts["path"], facts["frames"], facts["frames_without_face"]) == ("o.mp4", 5, 0)
    assert "already there" in dub("face.mp4", "speech.wav", "o.mp4", name=name).err
    again = dub("--seed", 1, "face.mp4", "speech.wav", "o.mp4", name=name)
    assert "already there" not in again.err


def test_faces_and_features_made_before_for_many(work, dub):
    for folder in ("in", "faces", "feats"):
        Path(folder).mkdir()
    for stem in ("one", "two"):
        shutil.copy("face.mp4", f"in/{stem}.mp4")
        make_features(work / "in" / f"{stem}.mp4", work / "feats" / f"{stem}.feat.h5", FeatureOptions("mel"))
    crop_faces(work / "in/one.mp4", work / "faces/one.face.h5", CropOptions(layout="lawdnet"))
    ran = dub("--faces", "faces", "--features", "feats", "in", "out")
    assert ran.code == 1
    assert ran.paths == [Path("out/one.mp4")]
    assert "faces/two.face.h5" in ran.err
    assert "own video's sound" in ran.err


def test_features_of_the_speech_and_their_change(work, dub):
    options = ("--faces", "face.face.h5", "--features", "speech.feat.h5", "face.mp4", "speech.wav", "o.mp4")
    assert dub(*options).code == 0
    assert "already there" in dub(*options).err
    make_features(work / "face.mp4", work / "speech.feat.h5", FeatureOptions("mel"))
    ran = dub(*options)
    assert ran.code == 1
    assert "speech.feat.h5: was made from another sound than speech.wav" in ran.err


def test_weights_that_are_not_here_are_told_once(work, dub, monkeypatch):
    """A published checkpoint needs its recogniser; what to do is in the line."""
    for variable in ("TK_WEIGHTS", "XDG_CACHE_HOME", "TORCH_HOME"):
        monkeypatch.setenv(variable, str(work / "weights"))
    for name, weights in (("lawdnet", "deepspeech2"), ("dinet", "deepspeech010")):
        torch.save({"state_dict": {"net_g": small_generator(name, channels=29).state_dict()}}, f"{name}.pth")
        Path("in").mkdir(exist_ok=True)
        for stem in ("one", "two"):
            shutil.copy("face.mp4", f"in/{stem}.mp4")
        ran = dub("-q", "--audio", "speech.wav", "in", "out", name=name, checkpoint=f"{name}.pth")
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.count("\n") == 1, ran.err
        assert f"the weights {weights}" in ran.err
        assert not Path("out").exists()


def test_a_mouth_of_another_size_is_told(work, dub):
    ran = dub("--faces", "face.face.h5", "--mouth-size", 96, "face.mp4", "speech.wav", "o.mp4")
    assert (ran.code, ran.paths) == (0, [Path("o.mp4")])
    assert "--mouth-size 96: the checkpoint was trained for 64; mouths may be worse" in ran.err


@pytest.mark.parametrize("bad", ["checkpoint", "another network", "speech", "faces"])
def test_bad_files_are_one_line_each(work, dub, bad):
    Path("page.pth").write_text("<!DOCTYPE html><html><body>blob</body></html>")
    Path("empty.wav").touch()
    checkpoint = {"checkpoint": "page.pth", "another network": "dinet.safetensors"}.get(bad)
    speech = "empty.wav" if bad == "speech" else "speech.wav"
    options = ("--faces", "speech.feat.h5") if bad == "faces" else ()
    named = {"another network": "not a LawDNet generator", "speech": "empty.wav", "faces": "speech.feat.h5"}
    ran = dub("-q", *options, "face.mp4", speech, "o.mp4", checkpoint=checkpoint)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.count("\n") == 1, ran.err
    assert named.get(bad, "page.pth") in ran.err
    assert not Path("o.mp4").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--mouth-size", 100), "multiple of 32"),
        (("--references", "1,x"), "numbers of pictures"),
        (("--references", "1,2"), "takes 5 pictures, not 2"),
        (("--features", "speech.feat.h5", "--feature-weights", "x"), "Give one of them"),
        (("--feature-model", "letters"), "deepspeech"),
        (("--on-short-video", "wait"), "bounce"),
    ],
)
def test_wrong_usage(work, dub, arguments, said):
    ran = dub("--faces", "face.face.h5", *arguments, "face.mp4", "speech.wav", "o.mp4")
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert not Path("o.mp4").exists()

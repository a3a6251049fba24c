"""tk-infer styletts2 as a command: texts from everywhere, to a wav, a stream or a face, and one line for each fault."""

import io
import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import torch

from tests.audio.voices import voice
from tests.cli.conftest import SCRIPTS
from tests.models.styletts2.drawn import BERT, MANY_VOICES, ONE_VOICE, small, write_published
from tests.models.wav2lip.talking import write_checkpoint, write_face
from tk_tools.files.made_from import is_marked_synthetic, read_provenance
from tk_tools.files.soundtrack import read_audio
from tk_tools.files.wav import write_wav
from tk_tools.models.styletts2.networks import StyleTTS2

LONGER = replace(BERT, positions=120)
CONFIG = "model_params: {diffusion: {dist: {sigma_data: %s, estimate_sigma_data: true}}}"
TEXT = "The quick brown fox jumps over the lazy dog."


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tts")
    write_published(folder / "one.pth", small(replace(ONE_VOICE, bert=LONGER)))
    write_published(folder / "many.pth", small(replace(MANY_VOICES, bert=LONGER)))
    torch.manual_seed(0)
    write_published(folder / "first.pth", StyleTTS2(ONE_VOICE))
    write_wav(folder / "voice.wav", [voice(24000, seconds=2)], 24000)
    write_wav(folder / "short.wav", [voice(24000, seconds=0.3)], 24000)
    write_wav(folder / "silent.wav", [np.zeros(48000, np.float32)], 24000)
    return folder


@pytest.fixture
def work(made, tmp_path, monkeypatch):
    """A fresh folder with links to the made files, as the working directory."""
    for path in made.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def say(tk):
    def call(*arguments, checkpoint="one.pth", **options):
        return tk("tk-infer", "styletts2", "--device", "cpu", "--checkpoint", checkpoint, *arguments, **options)

    return call


def test_a_text_in_quotes_becomes_a_marked_wav(work, say):
    ran = say("--json", TEXT, "out.wav")
    assert ran.code == 0, ran.err
    row = json.loads(ran.out)
    assert (row["path"], row["source"], row["sentences"]) == ("out.wav", "the text", 1)
    info = soundfile.info("out.wav")
    assert (info.samplerate, info.channels, info.subtype) == (24000, 1, "PCM_16")
    assert info.frames / 24000 == pytest.approx(row["seconds"], abs=1e-3)
    assert np.abs(read_audio(Path("out.wav"))).max() > 1e-3
    assert is_marked_synthetic(Path("out.wav"))
    assert read_provenance(Path("out.wav")).source.name == "text.txt + one.pth"
    before = Path("out.wav").read_bytes()
    assert "already there" in say(TEXT, "out.wav").err
    ran = say("--seed", 1, "--no-mark", TEXT, "out.wav")
    assert ran.code == 0
    assert Path("out.wav").read_bytes() != before
    assert not is_marked_synthetic(Path("out.wav"))
    ran = say("--json", "Not the same words: да.", "out.wav")
    assert "out.wav: replaced; it was made from another text\n" in ran.err
    assert "Cyrillic letters (line 1)" in json.loads(ran.out)["warning"]


def test_files_folders_and_standard_input(work, say):
    Path("texts").mkdir()
    Path("texts/a.txt").write_text(f"{TEXT} {TEXT}", encoding="utf-8")
    Path("texts/b.phonemes.txt").write_text("sˈeɪ ðˈɪs ænd nˈɑːt ðˈæt .\n", encoding="utf-8")
    Path("empty.txt").touch()
    ran = say("texts", "empty.txt", "missing.txt", "out")
    assert ran.code == 1
    assert [str(path) for path in ran.paths] == ["out/a.wav", "out/b.wav"]
    assert "empty.txt: holds nothing that can be spoken" in ran.err
    assert "missing.txt: cannot be read" in ran.err
    assert sorted(os.listdir("out")) == ["a.wav", "b.wav"]
    # the text itself, and not a list of paths; with and without the dash
    for operands in (("-", "out/c.wav"), ("out/c.wav",)):
        ran = say(*operands, stdin=Path("texts/a.txt").read_bytes())
        assert ran.code == 0, ran.err
        assert "reading the text from standard input" in ran.err
    assert "1 already there" in ran.err
    assert np.array_equal(read_audio(Path("out/c.wav")), read_audio(Path("out/a.wav")))


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((), "say what to say"),
        (("", "out.wav"), "the text is empty"),
        (("say", "this", "out.wav"), "'say' and 'this' are two texts; put the words of one in quotes"),
        ((TEXT, "folder"), "'folder' is no output for a text"),
        (("-", "out.wav"), "standard input is empty"),
        (("--alpha", "0.5", TEXT, "out.wav"), "give its --reference"),
        (("--face", "a.png", TEXT, "out.mp4"), "needs --face-checkpoint"),
        (("--face-checkpoint", "a.pth", TEXT, "out.wav"), "give --face PATH"),
        (
            ("--face", "a.png", "--face-checkpoint", "a.pth", "--face-model", "diffvc", TEXT, "o.mp4"),
            "no model 'diffvc'",
        ),
        (("--json", TEXT, "-"), "where the sound goes"),
        (("voice.wav", "short.wav", "-"), "One text at a time"),
        (("--model-config", "voice.wav", TEXT, "out.wav"), "is no config.yml"),
        ((TEXT, "out.mp4"), "neither a folder nor, for one input, a file *.wav"),
        (("--language", "tlh", TEXT, "out.wav"), "espeak-ng has no voice for 'tlh'"),
    ],
)
def test_wrong_usage(work, say, arguments, what):
    ran = say(*arguments)
    assert ran.code == 2
    assert what in " ".join(ran.err.split())
    assert "Traceback" not in ran.err
    assert not list(work.glob("o*.wav")) + list(work.glob("o*.mp4"))


@pytest.mark.parametrize(
    ("arguments", "checkpoint", "what"),
    [
        ((), "many.pth", "in the voice of a reference; give one (--reference)"),
        (("--reference", "voice.wav"), "one.pth", "have one voice; leave the reference out"),
        (("--reference", "short.wav"), "many.pth", "short.wav: the reference has 0."),
        (("--reference", "silent.wav"), "many.pth", "silent.wav: the reference is silent"),
        ((), "first.pth", "is of the first stage"),
        ((), "missing.pth", "no such run folder or file of weights"),
        ((), "voice.wav", "voice.wav: "),
    ],
)
def test_what_all_texts_need_is_told_once(work, say, arguments, checkpoint, what):
    for name in "ab":
        Path(f"{name}.txt").write_text(TEXT, encoding="utf-8")
    ran = say(*arguments, "a.txt", "b.txt", "out", checkpoint=checkpoint)
    assert (ran.code, ran.out) == (1, "")
    (line,) = [line for line in ran.err.splitlines() if "reading" not in line]
    assert what in line
    assert not Path("out").exists()


def test_a_path_that_is_not_there_is_told_and_not_spoken(work, say):
    for name in ("no book.txt", "no/book", "./no book"):
        ran = say(name, "out.wav")
        assert ran.code == 1
        assert f"{Path(name)}: cannot be read: No such file" in ran.err
    assert not Path("out.wav").exists()


def test_in_the_voice_of_a_reference(work, say):
    waves = []
    for options in ((), ("--alpha", 0, "--beta", 0), ("--alpha", 0, "--beta", 0, "--guidance", 2)):
        ran = say("--reference", "voice.wav", *options, TEXT, "out.wav", checkpoint="many.pth")
        assert ran.code == 0, ran.err
        waves.append(Path("out.wav").read_bytes()[-20000:])
    assert waves[0] != waves[1] == waves[2]
    assert read_provenance(Path("out.wav")).source.name == "text.txt + many.pth + voice.wav"


def test_the_configuration_beside_a_checkpoint_is_found(work, say):
    say(TEXT, "published.wav")
    Path("config.yml").write_text(CONFIG % 0.3, encoding="utf-8")
    ran = say(TEXT, "out.wav")
    assert ran.code == 0, ran.err
    assert not np.array_equal(read_audio(Path("out.wav")), read_audio(Path("published.wav")))
    assert read_provenance(Path("out.wav")).source.name == "text.txt + one.pth + config.yml"
    Path("config.yml").write_text(CONFIG % 0.2, encoding="utf-8")
    ran = say(TEXT, "other.wav")
    assert ran.code == 2
    assert "what stands there before training" in ran.err


def test_a_fault_of_a_text_without_a_file(work, say):
    ran = say("--errors", "faults", "?!", "out.wav")
    assert ran.code == 1
    assert "tk-infer: the text: holds nothing that can be spoken" in ran.err
    assert json.loads(Path("faults").read_text())["path"] == "the text"
    ran = say("?!", "-")
    assert (ran.code, ran.out) == (1, "")
    assert "tk-infer: the text: holds nothing that can be spoken" in ran.err


def test_sound_goes_to_standard_output_while_it_is_made(work):
    """The reader takes a little and goes; the next one takes it all."""
    arguments = ["--device", "cpu", "--checkpoint", "one.pth", "-", "-"]
    text = f"{TEXT} " * 2
    command = [SCRIPTS / "tk-infer", "styletts2", *arguments]
    ran = subprocess.run(command, input=text.encode(), capture_output=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    Path("whole.wav").write_bytes(ran.stdout)
    samples, rate = soundfile.read(io.BytesIO(ran.stdout), dtype="int16")
    assert rate == 24000
    assert is_marked_synthetic(Path("whole.wav"))
    assert np.array_equal(np.rint(32768 * read_audio(Path("whole.wav"))), samples)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdin.write(2 * text.encode())
        process.stdin.close()
        assert len(process.stdout.read(4000)) == 4000
        process.stdout.close()
        assert process.wait(300) == 141
        assert b"Traceback" not in process.stderr.read()


def test_a_face_says_it(work, say):
    write_checkpoint(work / "face.safetensors")
    write_face(work / "face.mp4", frames=3)
    with av.open("face.mp4") as film:
        next(film.decode(video=0)).to_image().save("face.png")
    face = ("--face", "face.png", "--face-checkpoint", "face.safetensors")
    ran = say(*face, TEXT, "talking.mp4")
    assert (ran.code, ran.out) == (0, "talking.mp4\n"), ran.err
    assert is_marked_synthetic(Path("talking.mp4"))
    assert read_provenance(Path("talking.mp4")).source.name.startswith("text.txt + one.pth + face.png + face.safetens")
    say(TEXT, "alone.wav")
    spoken, said = read_audio(Path("alone.wav")), read_audio(Path("talking.mp4"), rate=24000)
    assert abs(len(spoken) - len(said)) < 2400
    assert "1 already there" in say(*face, TEXT, "talking.mp4").err
    own_voice = ("--reference", "face.mp4", "--face", "face.mp4", *face[2:])
    write_face(work / "face.mp4", frames=3, sound=work / "voice.wav")
    ran = say(*own_voice, "The dog is lazy now, too.", "own.mp4", checkpoint="many.pth")
    assert (ran.code, ran.out) == (0, "own.mp4\n"), ran.err
    shutil.copy("voice.wav", "sound.wav")
    soundless = np.zeros((64, 64, 3), np.uint8)
    av.VideoFrame.from_ndarray(soundless).to_image().save("nobody.png")
    for name, what in (("nobody.png", "nobody.png: no face"), ("sound.wav", "has no pictures"), ("no.png", "no.png: ")):
        ran = say("--face", name, *face[2:], TEXT, "other.mp4")
        assert ran.code == 1, name
        assert what in ran.err
        assert not Path("other.mp4").exists()

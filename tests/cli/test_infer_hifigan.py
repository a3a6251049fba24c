"""tk-infer hifigan and tk-train hifigan as commands: mels in, marked sounds out, and one line for each fault."""

import json
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from tests.models.hifigan.sounds import write_voice
from tests.models.hifigan.test_training import SIZES, SMALL
from tk_tools.audio.make_mel import MelOptions, make_mel
from tk_tools.audio.vocoder import open_vocoder
from tk_tools.cli import infer as infer_command
from tk_tools.cli import train as train_command
from tk_tools.cli._main import run as run_command
from tk_tools.files.made_from import read_provenance
from tk_tools.files.mel_file import read_mel_file, write_mel_file
from tk_tools.files.provenance import Provenance, Source
from tk_tools.files.soundtrack import read_audio
from tk_tools.models.hifigan.inference import infer
from tk_tools.models.hifigan.options import InferOptions
from tk_tools.nets.hifigan import HiFiGAN, HiFiGANConfig
from tk_tools.weights.save import save_safetensors


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A folder with drawn weights and two mels, as the working directory; no published weights are here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    torch.manual_seed(0)
    sizes = {name: tuple(value) if isinstance(value, list) else value for name, value in SIZES.items()}
    save_safetensors("voc.safetensors", HiFiGAN(HiFiGANConfig(**sizes)).state_dict(), {"settings": SIZES})
    Path("mels").mkdir()
    for name in ("a", "b"):
        make_mel(write_voice(tmp_path / f"{name}.wav", 0.5), Path("mels", f"{name}.mel.h5"), MelOptions("diffvc"))
    return tmp_path


@pytest.fixture
def tk(capfd):
    """Run a command in this process: exit code, lines of stdout, stderr."""

    def call(command, *arguments):
        code = run_command(command, ["hifigan", *map(str, arguments)])
        out, err = capfd.readouterr()
        return code, out.splitlines(), err

    return call


def test_sounds_as_long_as_their_mels_marked_synthetic(work, tk):
    code, out, err = tk(infer_command.command, "--checkpoint", "voc.safetensors", "--json", "mels", "wavs")
    assert code == 0, err
    rows = [json.loads(line) for line in out]
    assert [row["path"] for row in rows] == ["wavs/a.wav", "wavs/b.wav"]
    assert rows[0]["frames"] == 43
    assert rows[0]["vocoder"] == "HiFi-GAN (voc.safetensors)"
    expected = open_vocoder(Path("voc.safetensors")).sound(read_mel_file(Path("mels/a.mel.h5")).values)
    assert np.abs(read_audio(Path("wavs/a.wav")) - expected).max() < 2e-5
    assert b'"synthetic": true' in Path("wavs/a.wav").read_bytes()
    assert read_provenance(Path("wavs/a.wav")).source.name == "a.mel.h5 + voc.safetensors"
    code, _, err = tk(infer_command.command, "--checkpoint", "voc.safetensors", "mels", "wavs")
    assert code == 0
    assert "2 already there" in err
    code, _, err = tk(infer_command.command, "--checkpoint", "griffin-lim", "--no-mark", "mels", "wavs")
    assert code == 0
    assert "2 replaced" in err
    assert b"synthetic" not in Path("wavs/a.wav").read_bytes()


def test_griffin_lim_needs_no_weights(work, tk):
    code, out, err = tk(infer_command.command, "--checkpoint", "griffin-lim", "--json", "mels/a.mel.h5", "again.wav")
    assert code == 0, err
    assert json.loads(out[0])["vocoder"] == "Griffin-Lim"
    assert len(read_audio(Path("again.wav"))) == 43 * 256


def test_missing_weights_are_told_once_with_the_ways_out(work, tk):
    code, out, err = tk(infer_command.command, "mels", "wavs")
    assert (code, out) == (1, [])
    (line,) = [line for line in err.splitlines() if "diffvc-hifigan" in line]
    assert "tk-train hifigan" in line
    assert "--checkpoint griffin-lim" in line
    assert not Path("wavs").exists()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("preset", "is a mel of the preset wav2lip; make it with tk-mel --preset diffvc"),
        ("nan", "holds values that are no numbers"),
        ("cut", "is not an HDF5 file, or it is cut short"),
        ("checksum", "/mel is damaged"),
    ],
)
def test_a_bad_mel_is_told_and_the_others_are_done(work, tk, damage, words):
    path = Path("mels/a.mel.h5")
    if damage == "preset":
        make_mel(Path("a.wav"), path, MelOptions("wav2lip"))
    elif damage == "nan":
        with h5py.File(path, "a") as file:
            file["mel"][40] = np.nan
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:3000])
    else:
        with h5py.File(path) as file:
            place = file["mel"].id.get_chunk_info(0).byte_offset
        with open(path, "r+b") as file:
            file.seek(place + 500)
            file.write(b"\xff\x00\xff\x00")
    code, out, err = tk(infer_command.command, "--checkpoint", "voc.safetensors", "mels", "wavs")
    assert (code, out) == (1, ["wavs/b.wav"])
    assert f"mels/a.mel.h5: {words}" in err
    assert sorted(path.name for path in Path("wavs").iterdir()) == ["b.wav"]


def test_memory_does_not_grow_with_the_length(work):
    def peak(seconds):
        block = np.full((1000, 80), -5, np.float32)
        blocks = (block for _ in range(seconds * 86 // 1000))
        made = Provenance({}, Source("x", "blake2b:0"))
        write_mel_file(
            Path("long.mel.h5"), blocks, preset="diffvc", sample_rate=22050, hop_length=256, unit="", made=made
        )
        tracemalloc.start()
        facts = infer(Path("long.mel.h5"), Path("voc.safetensors"), Path("long.wav"), InferOptions())
        assert facts["frames"] == seconds * 86 // 1000 * 1000
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(30)
    assert peak(150) < 1.2 * peak(50) < 60e6


def test_recordings_to_a_vocoder_to_sound(work, tk):
    """Without --stage the vocoder alone is trained; finetune is asked for by name, and starts from it."""
    settings = [part for name, value in SMALL.items() for part in ("--set", f"{name}={value}")]
    write_voice(work / "telephone.wav", rate=8000)
    code, out, err = tk(train_command.command, *settings, "--set", "max_steps=2", work)
    assert (code, out) == (0, ["runs/hifigan/vocoder/best.safetensors"]), err
    assert "left out: " in err
    assert "telephone.wav: is at 8000 Hz" in err
    code, out, err = tk(
        train_command.command,
        *("--stage", "finetune", "--init", "runs/hifigan/vocoder", "--out", "runs/own"),
        *("--set", "discriminators=runs/hifigan/vocoder", *settings, "--set", "max_steps=1", work),
    )
    assert (code, out) == (0, ["runs/own/best.safetensors"]), err
    code, out, err = tk(infer_command.command, "--checkpoint", "runs/own", "mels/a.mel.h5", "a.made.wav")
    assert (code, out) == (0, ["a.made.wav"]), err


def test_a_mel_without_its_sound_is_left_out(work, tk):
    Path("b.wav").unlink()
    settings = [part for name, value in SMALL.items() for part in ("--set", f"{name}={value}")]
    code, out, err = tk(
        train_command.command, "--stage", "finetune", *settings, "--set", "max_steps=1", "mels", "a.wav"
    )
    assert (code, len(out)) == (0, 1), err
    assert "mels/b.mel.h5: there is no b.wav for it among the inputs" in err

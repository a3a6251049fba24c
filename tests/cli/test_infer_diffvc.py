"""tk-infer diffvc as a command: operands, voices, vocoders, streams, and one line for each fault."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tests.audio.voices import voice
from tests.models.diffvc.drawn import small_diffvc, write_published, write_voice, write_weights
from tk_tools.audio.vocoder import open_vocoder
from tk_tools.cli import infer
from tk_tools.cli._main import run as run_command
from tk_tools.errors import InputError
from tk_tools.files.mel_file import read_mel_file
from tk_tools.models.diffvc.command import OPTIONS
from tk_tools.models.diffvc.diffusion import SOLVERS
from tk_tools.models.hifigan.config import FinetuneConfig
from tk_tools.models.hifigan.training import FinetuneTask
from tk_tools.nets.hifigan import HiFiGAN, HiFiGANConfig
from tk_tools.weights import find
from tk_tools.weights.save import save_safetensors

FEW = ("--steps", 1, "--solver", "pf", "--device", "cpu")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("infer-diffvc")
    write_published(folder / "vc.pt", small_diffvc())
    write_weights(folder / "weights")
    write_voice(folder / "low.wav", 1.5)
    write_voice(folder / "high.wav", 1.0, f0=220.0)
    return folder


@pytest.fixture
def work(made, tmp_path, monkeypatch):
    """A fresh folder with the made files, as the working directory; nothing else of this machine is looked into."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TK_WEIGHTS", str(tmp_path / "weights"))
    for name in ("XDG_CACHE_HOME", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    return tmp_path


@pytest.fixture
def tk_infer(capfd):
    """Run the command in this process: its exit code, lines of stdout and stderr."""

    def call(*arguments, checkpoint="vc.pt"):
        given = ["diffvc", "--checkpoint", str(checkpoint), *map(str, (*FEW, *arguments))]
        code = run_command(infer.command, given)
        out, err = capfd.readouterr()
        return code, out.splitlines(), err

    return call


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob(".*"))


def write_run(folder: Path, network, stage: str) -> Path:
    """A run folder of tk-train with its best weights."""
    folder.mkdir(parents=True)
    about = {"model": "diffvc", "stage": stage, "network": "network", "step": 1, "settings": {}}
    save_safetensors(folder / "best.safetensors", network.state_dict(), about)
    return folder


def test_the_installed_command(work):
    write_run(work / "runs/dec", small_diffvc(), "decoder")
    results = {}
    for checkpoint in ("vc.pt", "runs/dec"):
        command = [Path(sys.executable).with_name("tk-infer"), "diffvc", "--checkpoint", checkpoint, *map(str, FEW)]
        done = subprocess.run([*command, "high.wav", "low.wav", "out.wav"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "out.wav\n"), done.stderr
        results[checkpoint] = soundfile.read("out.wav")[0]
        assert "Warning" not in done.stderr
    assert len(results["vc.pt"]) == 22050 // 256 * 256
    assert np.array_equal(results["vc.pt"], results["runs/dec"])


def test_a_second_run_makes_what_is_missing_or_otherwise(work, tk_infer):
    ask = ("high.wav", "low.wav", "out.wav")
    code, out, err = tk_infer(*ask)
    assert (code, out) == (0, ["out.wav"]), err
    assert err.count("Griffin-Lim") == 1
    assert "the published file generator" in err
    assert "1 already there" in tk_infer(*ask)[2]
    write_voice(work / "low.wav", 1.6)
    for options in ((), ("--seed", 3), ("--no-denoise",)):
        code, _, err = tk_infer(*options, *ask)
        assert code == 0
        assert "already" not in err, options


def test_many_sources_one_of_them_bad(work, tk_infer):
    Path("in/sub").mkdir(parents=True)
    for name in ("in/a b.wav", "in/sub/x.wav"):
        shutil.copy("high.wav", name)
    Path("in/empty.wav").touch()
    soundfile.write("in/silent.wav", np.zeros(8000), 8000)
    Path("voices").mkdir()
    shutil.copy("high.wav", "voices/one.wav")
    arguments = ("--target", "low.wav", "--target", "voices", "--vocoder", "griffin-lim", "in", "out")
    code, out, err = tk_infer("--json", *arguments)
    rows = [json.loads(line) for line in out]
    assert code == 1
    assert [row["path"] for row in rows] == ["out/a b.wav", "out/silent.wav", "out/sub/x.wav"]
    assert rows[0]["target_seconds"] == pytest.approx(2.5, abs=0.03)
    assert rows[0]["vocoder"] == "Griffin-Lim"
    assert err.count("in/empty.wav") == 1
    assert err.count("in/silent.wav: is silent, and so is the result") == 1
    assert "no vocoder's weights" not in err  # it was asked for
    assert left_over(work) == []


def test_a_stream_of_paths_and_workers_give_the_same_bytes(work, tk_infer, monkeypatch):
    shutil.copy("high.wav", "third.wav")
    for workers, folder in ((1, "one"), (2, "two")):
        (work / "list").write_text("high.wav\nthird.wav\n")
        with open(work / "list") as stream:
            monkeypatch.setattr(sys, "stdin", stream)
            code, out, err = tk_infer("--workers", workers, "--target", "low.wav", "-", folder)
        assert (code, out) == (0, [f"{folder}/high.wav", f"{folder}/third.wav"]), err
    assert Path("one/high.wav").read_bytes() == Path("two/high.wav").read_bytes()


def test_the_target_among_the_operands_may_be_a_folder_and_the_source_too(work, tk_infer):
    Path("in").mkdir()
    Path("voices").mkdir()
    shutil.copy("high.wav", "in")
    shutil.copy("low.wav", "voices")
    assert tk_infer("in", "voices", "out/")[:2] == (0, ["out/high.wav"])


def test_hifigan_where_its_weights_are(work, tk_infer):
    vocoder = HiFiGAN(HiFiGANConfig(channels=16))
    write_run(work / "runs/hifigan", vocoder, "gan")
    code, out, err = tk_infer("--json", "--vocoder", "runs/hifigan", "high.wav", "low.wav", "out.wav")
    assert code == 0, err
    assert "HiFi-GAN" in json.loads(out[0])["vocoder"]
    write_weights(work / "weights", vocoder=True)
    code, out, err = tk_infer("--json", "high.wav", "low.wav", "found.wav")
    assert "Griffin-Lim" not in err
    assert json.loads(out[0])["vocoder"] == "HiFi-GAN (generator)"


def test_a_long_target_is_told_once(work, tk_infer):
    write_voice(work / "long.wav", 24.0)
    code, out, err = tk_infer("--target", "long.wav", "high.wav", "low.wav", "out")
    assert (code, len(out)) == (0, 2)
    assert err.count("recordings last 24 s") == 1


def shared_faults(work: Path):
    """Options of a command line that cannot be done, and what is said of it."""
    write_run(work / "runs/enc", small_diffvc().encoder, "encoder")
    torch.save(HiFiGAN(HiFiGANConfig(channels=16)).state_dict(), work / "generator")
    small_hop = HiFiGAN(HiFiGANConfig(channels=16, rates=(8, 8, 2), kernels=(16, 16, 4)))
    torch.save({"generator": small_hop.state_dict()}, work / "hop")
    (work / "page.pt").write_text("<!DOCTYPE html><html><body>blob</body></html>")
    soundfile.write(work / "short.wav", voice(seconds=0.3, gap=(0, 0)), 16000)
    soundfile.write(work / "silent.wav", np.zeros(16000), 16000)
    (work / "low.embed.h5").touch()
    (work / "none").mkdir()
    target, checkpoint = {"--target": "low.wav"}, {"--checkpoint": "vc.pt"}
    return [
        (target | {"--checkpoint": "runs/enc"}, "holds DiffVC's mel encoder, not DiffVC, encoder and decoder"),
        (target | {"--checkpoint": "generator"}, "holds a HiFi-GAN vocoder, not DiffVC"),
        (target | {"--checkpoint": "page.pt"}, "is a web page"),
        (target | {"--checkpoint": "nowhere"}, "nowhere: no such run folder or file of weights"),
        (target | checkpoint | {"--vocoder": "vc.pt"}, "vc.pt: holds DiffVC"),
        (target | checkpoint | {"--vocoder": "hop"}, "128 samples a frame"),
        (target | checkpoint | {"--vocoder": "nowhere"}, "nowhere: no such run folder or file of weights"),
        (checkpoint | {"--target": "nowhere.wav"}, "nowhere.wav: cannot be"),
        (checkpoint | {"--target": "none"}, "none: holds no file of the kinds"),
        (checkpoint | {"--target": "silent.wav"}, "silent.wav: cannot be the target: the sound is silent"),
        (checkpoint | {"--target": "short.wav"}, "at least 0.5 s"),
        (checkpoint | {"--target": "low.embed.h5"}, "give the recording itself"),
    ]


def test_what_many_sources_have_in_common_is_told_once_before_the_work(work, tk_infer):
    Path("in").mkdir()
    for name in ("one.wav", "two.wav"):
        shutil.copy("high.wav", f"in/{name}")
    for options, said in shared_faults(work):
        options = dict(options)
        checkpoint = options.pop("--checkpoint")
        pairs = [part for pair in options.items() for part in pair]
        code, out, err = tk_infer("-q", "--errors", "errors.ndjson", *pairs, "in", "out", checkpoint=checkpoint)
        assert (code, out) == (1, []), (options, err)
        assert err.count("\n") == 1, err
        assert said in err
        (row,) = map(json.loads, Path("errors.ndjson").read_text().splitlines())
        assert said in row["error"]
        assert not Path("out").exists()


def test_without_the_speaker_encoder_it_is_said_how_to_get_it(work, tk_infer, monkeypatch):
    (work / "weights/pretrained.pt").unlink()
    monkeypatch.setattr(find, "_in_package", lambda reference: None)
    code, out, err = tk_infer("-q", "high.wav", "low.wav", "out.wav")
    assert (code, out) == (1, [])
    assert "the weights ge2e" in err
    assert "pip install --no-deps resemblyzer" in err


def test_bad_sources_are_one_line_each(work, tk_infer):
    Path("text.wav").write_text("not a sound\n" * 50)
    whole = Path("high.wav").read_bytes()
    Path("cut.wav").write_bytes(whole[: len(whole) // 2])
    soundfile.write("nan.wav", np.append(voice(), np.nan), 16000, subtype="FLOAT")
    for name in ("text.wav", "cut.wav", "nan.wav", "nowhere.wav"):
        code, out, err = tk_infer("-q", name, "low.wav", "out.wav")
        assert (code, out) == (1, []), name
        assert err.count("\n") == 1, err
        assert name in err
        assert not Path("out.wav").exists()
    assert left_over(work) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("high.wav", "out.wav"), "Whose voice?"),
        (("a.wav", "b.wav", "c.wav", "out"), "Whose voice?"),
        (("high.wav", "-", "out"), "Whose voice?"),
        (("--target", "low.wav", "high.wav", "low.wav", "out.wav"), "both say whose voice"),
        (("high.wav", "low.wav", "out.mp4"), "out.mp4"),
        (("--solver", "euler", "high.wav", "low.wav", "out.wav"), "--solver"),
        (("--steps", 0, "high.wav", "low.wav", "out.wav"), "--steps"),
        (("--seed", -1, "high.wav", "low.wav", "out.wav"), "--seed"),
        (("--device", "gpu", "high.wav", "low.wav", "out.wav"), "--device"),
    ],
)
def test_wrong_usage(work, tk_infer, arguments, said):
    code, out, err = tk_infer(*arguments)
    assert (code, out) == (2, [])
    assert said in err


def test_all_solvers_can_be_chosen():
    (choice,) = [option.type.choices for option in _parameters() if option.name == "solver"]
    assert tuple(choice) == SOLVERS


def _parameters():
    def command():
        pass

    for option in OPTIONS:
        option(command)
    return command.__click_params__


def test_help_needs_no_heavy_imports():
    script = (
        "import sys; from tk_tools.cli import infer; from tk_tools.cli._main import run\n"
        "code = run(infer.command, ['diffvc', '--help'])\n"
        "heavy = [m for m in ('torch', 'pydantic', 'numpy', 'av', 'h5py') if m in sys.modules]\n"
        "print(heavy, file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "tk-infer diffvc --checkpoint" in done.stdout
    assert done.stderr.strip() == "[]"


def test_mels_instead_of_sound_serve_the_vocoders_finetuning(work, tk_infer):
    """The mel as a file, which lies beside its own recording as tk-train hifigan wants it."""
    code, out, err = tk_infer("--vocoder", "none", "--target", "low.wav", "high.wav", "low.wav", "mels")
    assert (code, out) == (0, ["mels/high.mel.h5", "mels/low.mel.h5"]), err
    assert "Griffin-Lim" not in err
    code, out, _ = tk_infer("--vocoder", "none", "high.wav", "low.wav", "one.mel.h5")
    assert (code, out) == (0, ["one.mel.h5"])
    assert np.array_equal(read_mel_file(Path("one.mel.h5")).values, read_mel_file(Path("mels/high.mel.h5")).values)
    assert tk_infer("--vocoder", "griffin-lim", "high.wav", "low.wav", "out.wav")[0] == 0
    heard = open_vocoder(None).sound(read_mel_file(Path("one.mel.h5")).values)
    assert np.abs(heard - soundfile.read("out.wav", dtype="float32")[0]).max() < 2e-4
    assert FinetuneTask.inspect(Path("mels/low.mel.h5"), Path("low.wav"), config=FinetuneConfig())
    with pytest.raises(InputError):
        FinetuneTask.inspect(Path("mels/low.mel.h5"), Path("high.wav"), config=FinetuneConfig())

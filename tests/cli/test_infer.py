"""tk-infer as a command: models, operands, streams, what is up to date, and one line for each fault."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tests.models.wav2lip.talking import small_generator, write_checkpoint, write_face, write_sound
from tk_tools.cli import infer
from tk_tools.cli._main import run as run_command

BOX = ("--box", 70, 190, 75, 175)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("infer")
    write_checkpoint(folder / "small.safetensors")
    sound = write_sound(folder / "speech.wav", 0.3)
    write_face(folder / "face.mp4", frames=8, sound=sound)
    write_face(folder / "silent.mp4", frames=8)
    return folder


@pytest.fixture
def work(made, tmp_path, monkeypatch):
    """A fresh folder with the made files, as the working directory."""
    for path in made.iterdir():
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tk_infer(capfd):
    """Run the command in this process: its exit code, lines of stdout and stderr."""

    def call(*arguments, checkpoint="small.safetensors"):
        code = run_command(
            infer.command, ["wav2lip", "--checkpoint", str(checkpoint), "--device", "cpu", *map(str, arguments)]
        )
        out, err = capfd.readouterr()
        return code, out.splitlines(), err

    return call


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob(".*"))


def test_face_speech_output(work, tk_infer):
    code, out, err = tk_infer("face.mp4", "speech.wav", "talking.mp4")
    assert (code, out) == (0, ["talking.mp4"]), err
    code, out, err = tk_infer("face.mp4", "speech.wav", "talking.mp4")
    assert (code, out) == (0, ["talking.mp4"])
    assert "1 already there" in err


def test_another_checkpoint_makes_it_again(work, tk_infer):
    assert tk_infer("face.mp4", "speech.wav", "talking.mp4", *BOX)[0] == 0
    before = Path("talking.mp4").read_bytes()
    write_checkpoint(work / "small.safetensors", seed=9)
    code, _, err = tk_infer("face.mp4", "speech.wav", "talking.mp4", *BOX)
    assert code == 0
    assert "already" not in err
    assert Path("talking.mp4").read_bytes() != before


def test_a_stream_of_paths_and_one_speech(work, tk_infer, monkeypatch):
    names = ["face.mp4", "a b'\".mp4", "-dash.mp4", "missing.mp4"]
    for name in names[1:3]:
        shutil.copy("silent.mp4", work / name)
    stdin = work / "list"
    stdin.write_text("\n".join(names) + "\n")
    with open(stdin) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        code, out, err = tk_infer("--audio", "speech.wav", *BOX, "-", "dubbed/")
    assert code == 1
    assert out == [f"dubbed/{name}" for name in names[:3]]
    assert err.count("missing.mp4") == 1
    assert left_over(work) == []


def test_a_newline_in_a_name(work, tk_infer, monkeypatch):
    name = "two\nlines.mp4"
    shutil.copy("face.mp4", work / name)
    (work / "list").write_bytes(os.fsencode(name) + b"\0")
    with open(work / "list") as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        code, _, err = tk_infer("-0", *BOX, "-", "dubbed/")
    assert code == 0, err
    assert (work / "dubbed" / name).is_file()


def test_without_a_speech_each_video_speaks_its_own_sound(work, tk_infer):
    Path("in").mkdir()
    shutil.copy("face.mp4", "in/one.mp4")
    shutil.copy("silent.mp4", "in/two.mp4")
    code, out, err = tk_infer("--json", *BOX, "in", "out")
    assert code == 1
    assert [json.loads(line)["path"] for line in out] == ["out/one.mp4"]
    assert "own video's sound" in err
    assert "in/two.mp4: has no sound" in err


def test_a_folder_of_faces_found_before(work, tk_infer):
    from tk_tools.face.crop import CropOptions, crop_faces

    Path("in").mkdir()
    shutil.copy("face.mp4", "in/one.mp4")
    shutil.copy("silent.mp4", "in/two.mp4")
    Path("faces").mkdir()
    crop_faces(work / "in/one.mp4", work / "faces/one.face.h5", CropOptions())
    code, out, err = tk_infer("--faces", "faces", "--audio", "speech.wav", "in", "out")
    assert (code, out) == (1, ["out/one.mp4"])
    assert "faces/two.face.h5" in err


def test_a_run_folder_gives_its_best_weights(work, tk_infer):
    run = work / "runs" / "gan"
    run.mkdir(parents=True)
    shutil.copy("small.safetensors", run / "best.safetensors")
    assert tk_infer("face.mp4", "speech.wav", "talking.mp4", *BOX, checkpoint="runs/gan")[:2] == (0, ["talking.mp4"])
    (run / "best.safetensors").unlink()
    code, _, err = tk_infer("face.mp4", "speech.wav", "other.mp4", *BOX, checkpoint="runs/gan")
    assert code == 1
    assert "runs/gan" in err


class Harmful:
    def __reduce__(self):
        return (os.system, ("touch harmed",))


def bad_checkpoints(work: Path):
    good = work / "small.pth"
    torch.save({"state_dict": small_generator().state_dict()}, good)
    (work / "cut.pth").write_bytes(good.read_bytes()[:100_000])
    (work / "page.pth").write_text("<!DOCTYPE html><html><body>blob</body></html>")
    (work / "code.pth").write_bytes(pickle.dumps(Harmful()))
    torch.save({"state_dict": {"weight": torch.zeros(3)}, "x": Harmful()}, work / "code2.pth")
    return ["cut.pth", "page.pth", "code.pth", "code2.pth", "nowhere.pth"]


def test_bad_checkpoints_are_one_line_each(work, tk_infer):
    for name in bad_checkpoints(work):
        code, out, err = tk_infer("face.mp4", "speech.wav", "talking.mp4", *BOX, checkpoint=name)
        assert (code, out) == (1, []), name
        lines = [line for line in err.splitlines() if "tk-infer" in line]
        assert len(lines) == 1, err
        assert name in lines[0]
        assert "Traceback" not in err
    assert not Path("harmed").exists()
    assert not Path("talking.mp4").exists()
    assert left_over(work) == []


@pytest.mark.parametrize("bad", ["checkpoint", "speech", "end of speech", "faces", "backend"])
def test_what_many_faces_have_in_common_is_told_once_before_the_work(work, tk_infer, bad, monkeypatch):
    Path("in").mkdir()
    for name in ("one.mp4", "two.mp4", "three.mp4"):
        shutil.copy("face.mp4", f"in/{name}")
    Path("page.pth").write_text("<!DOCTYPE html><html><body>blob</body></html>")
    shutil.copy("silent.mp4", "mute.mp4")
    soundfile.write("bad.wav", np.append(np.zeros(40000, np.float32), np.nan), 16000, subtype="FLOAT")
    for folder in ("TK_WEIGHTS", "XDG_CACHE_HOME", "TORCH_HOME"):
        monkeypatch.setenv(folder, str(work / "weights"))
    options, named = {
        "checkpoint": ((*BOX, "--audio", "speech.wav"), "page.pth"),
        "speech": ((*BOX, "--audio", "mute.mp4"), "mute.mp4: has no sound"),
        "end of speech": ((*BOX, "--audio", "bad.wav"), "bad.wav: sample 40000 is not a number"),
        "faces": (("--faces", "nowhere", "--audio", "speech.wav"), "nowhere: cannot be read"),
        "backend": (("--backend", "face-alignment", "--audio", "speech.wav"), "the weights s3fd"),
    }[bad]
    checkpoint = "page.pth" if bad == "checkpoint" else "small.safetensors"
    code, out, err = tk_infer("-q", "--errors", "errors.ndjson", *options, "in", "out", checkpoint=checkpoint)
    assert (code, out) == (1, [])
    assert err.count("\n") == 1, err
    assert named in err
    (row,) = map(json.loads, Path("errors.ndjson").read_text().splitlines())
    assert named in row["error"]
    assert not Path("out").exists()


def test_bad_media_are_one_line_each(work, tk_infer):
    Path("empty.mp4").touch()
    Path("text.mp4").write_text("not a video\n" * 50)
    whole = Path("face.mp4").read_bytes()
    Path("cut.mp4").write_bytes(whole[: len(whole) // 2])
    Path("empty.wav").touch()
    shutil.copy("speech.wav", "sound.mp4")
    for face, speech, named in [
        ("empty.mp4", "speech.wav", "empty.mp4"),
        ("text.mp4", "speech.wav", "text.mp4"),
        ("cut.mp4", "speech.wav", "cut.mp4"),
        ("sound.mp4", "speech.wav", "sound.mp4"),
        ("face.mp4", "empty.wav", "empty.wav"),
        ("face.mp4", "nowhere.wav", "nowhere.wav"),
        ("face.mp4", "silent.mp4", "silent.mp4"),
    ]:
        code, out, err = tk_infer(face, speech, "talking.mp4", *BOX)
        assert (code, out) == (1, []), (face, speech)
        assert err.count("\n") == 1, err
        assert named in err
        assert not Path("talking.mp4").exists()
    assert left_over(work) == []


def test_the_source_is_never_replaced(work, tk_infer):
    before = Path("face.mp4").read_bytes()
    code, _, err = tk_infer("face.mp4", "speech.wav", "face.mp4", *BOX)
    assert code == 1
    assert "face.mp4" in err
    assert Path("face.mp4").read_bytes() == before


def test_a_box_outside_the_pictures_is_told(work, tk_infer):
    code, out, err = tk_infer("face.mp4", "speech.wav", "o.mp4", "--box", 5000, 5100, 10, 60)
    assert (code, out) == (1, [])
    assert "--box leaves less than" in err
    assert not Path("o.mp4").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("face.mp4", "speech.wav", "o.mp4", "--box", 50, 40, 0, 9), "--box"),
        (("face.mp4", "speech.wav", "o.mp4", "--device", "gpu"), "--device"),
        (("face.mp4", "speech.wav", "o.mp4", "--face", "biggest"), "--face"),
        (("face.mp4", "speech.wav", "o.mp4", "--fps", 0), "--fps"),
        (("face.mp4", "speech.wav", "o.mp4", "--feather", 2), "--feather"),
        (("face.mp4", "speech.wav", "o.mp4", "--box", 1, 2, 3, 4, "--faces", "faces"), "--box and --faces"),
        ((), "operands"),
    ],
)
def test_wrong_usage(work, tk_infer, arguments, said):
    code, out, err = tk_infer(*arguments)
    assert (code, out) == (2, [])
    assert said in err


def test_help_names_models_and_their_options_without_heavy_imports():
    script = (
        "import sys; from tk_tools.cli import infer; from tk_tools.cli._main import run\n"
        "code = run(infer.command, {0})\n"
        "heavy = [m for m in ('torch', 'pydantic', 'cv2', 'numpy', 'av', 'h5py') if m in sys.modules]\n"
        "print(heavy, file=sys.stderr); sys.exit(code)"
    )
    named = ("wav2lip", "lawdnet", "dinet")
    for arguments, expected in ((["--help"], "lawdnet"), *(([name, "--help"], "--on-short-video") for name in named)):
        done = subprocess.run(
            [sys.executable, "-c", script.format(arguments)], capture_output=True, text=True, check=True
        )
        assert expected in done.stdout
        assert done.stderr.strip() == "[]"


def test_an_unknown_model_is_wrong_usage(capfd):
    assert run_command(infer.command, ["wav3lip", "x"]) == 2
    assert "wav3lip" in capfd.readouterr().err

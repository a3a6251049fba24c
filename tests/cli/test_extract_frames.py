"""tk-extract-frames: pictures on a constant clock, and the sound that belongs to them."""

import json
from fractions import Fraction

import numpy as np
import pytest

from tests.media import CLICKS, counter_picture, find_click, read_number, write_clip
from tk_tools.files.frames_file import FramesFile
from tk_tools.files.h5 import read_params, read_source


def test_pictures_and_sound_lie_side_by_side(tk, tmp_path):
    clip = write_clip(tmp_path / "a.b.mp4", frames=60, fps=Fraction(30000, 1001), rate=48000, sound_delay=0.2)
    ran = tk("tk-extract-frames", "--json", clip, tmp_path / "out")
    row = json.loads(ran.out)
    path = tmp_path / "out" / "a.b.frames.h5"
    assert row == {
        "path": str(path), "source": str(clip), "status": "done", "frames": 50, "fps": 25.0, "seconds": 2.0,
        "width": 64, "height": 64, "sound": True,
    }  # fmt: skip
    with FramesFile(path) as file:
        assert len(file.frames) == 50
        pictures = file.frames.read(0, 50)
        assert [read_number(picture) for picture in pictures] == [round(k / 25 * 30000 / 1001) for k in range(50)]
        audio = file.audio
    assert len(audio.samples) == 2 * audio.sample_rate == 32000
    for click in CLICKS:
        assert find_click(audio.samples, 16000, click + 0.2) == pytest.approx(click + 0.2, abs=0.002)


def test_options_shape_the_file_and_are_recorded(tk, clip, tmp_path):
    arguments = ("--fps", "30000/1001", "--codec", "png", "--quality", "80", "--sample-rate", "22050")
    assert tk("tk-extract-frames", *arguments, clip, tmp_path / "a.frames.h5").code == 0
    with FramesFile(tmp_path / "a.frames.h5") as file:
        assert (file.frames.fps, file.frames.codec, file.audio.sample_rate) == (Fraction(30000, 1001), "png", 22050)
        assert len(file.frames) == 60
        assert abs(len(file.audio.samples) - 60 * 1001 / 30000 * 22050) <= 1
        assert read_params(file._file) == {"codec": "png", "fps": "30000/1001", "quality": 80, "sample_rate": 22050}
        assert read_source(file._file).name == "clip.mp4"


def test_other_options_make_it_again(tk, clip, tmp_path):
    (path,) = tk("tk-extract-frames", clip, tmp_path).paths
    with FramesFile(path) as file:
        before = file.frames.offsets[-1]
    assert tk("tk-extract-frames", "--quality", "50", clip, tmp_path).err.endswith(": 1 done (1 replaced)\n")
    with FramesFile(path) as file:
        assert file.frames.offsets[-1] < before


def test_a_clip_without_sound(tk, tmp_path):
    clip = write_clip(tmp_path / "a.mp4", sound=None)
    ran = tk("tk-extract-frames", clip, tmp_path / "out")
    assert (ran.code, ran.err) == (0, "")
    with FramesFile(ran.paths[0]) as file:
        assert file.audio is None
        assert len(file.frames) == 50


def test_one_picture(tk, tmp_path):
    clip = write_clip(tmp_path / "a.mp4", frames=1, sound=None)
    with FramesFile(tk("tk-extract-frames", clip, tmp_path / "out").paths[0]) as file:
        assert len(file.frames) == 1
        assert np.abs(file.frames.read(0, 1)[0].astype(int) - counter_picture(0)).mean() < 6


def test_sound_alone_is_refused(tk, tmp_path):
    (tmp_path / "a.wav").write_bytes(write_sound(tmp_path))
    ran = tk("tk-extract-frames", tmp_path / "a.wav", tmp_path / "out")
    assert ran.code == 1
    assert ran.err.endswith(f"{tmp_path}/a.wav: has no video stream\n")


def write_sound(folder) -> bytes:
    from tests.media import write_click_wav

    return write_click_wav(folder / "source.wav").read_bytes()


@pytest.mark.parametrize("part", [0.2, 0.6, 0.97])
def test_a_truncated_video_leaves_nothing(tk, clip, tmp_path, part):
    whole = clip.read_bytes()
    clip.write_bytes(whole[: int(len(whole) * part)])
    ran = tk("tk-extract-frames", clip, tmp_path / "out")
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert f"{clip}: is cut short" in ran.err
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("value", ["0", "-1", "x", "1/0", "1001"])
def test_impossible_rates(tk, clip, tmp_path, value):
    ran = tk("tk-extract-frames", f"--fps={value}", clip, tmp_path / "out")
    assert ran.code == 2
    assert "--fps" in ran.err

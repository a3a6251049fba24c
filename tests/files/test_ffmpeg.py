"""The writer of mp4: every picture is there, the sound keeps its length, and what ffmpeg says is told."""

import contextlib
import os
import resource
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.media import CLICKS, counter_picture, find_click, read_number, write_click_wav
from tk_tools.errors import OutputError
from tk_tools.files.ffmpeg import VideoWriter, write_video
from tk_tools.files.media import probe
from tk_tools.files.soundtrack import read_audio
from tk_tools.files.video import read_frames


@pytest.mark.parametrize(("height", "width"), [(64, 64), (65, 97), (2, 2), (63, 64)])
def test_every_picture_is_there_at_any_size(tmp_path, height, width):
    path = tmp_path / "a.mp4"
    pictures = [counter_picture(number, height=height, width=width) for number in range(12)]
    assert write_video(path, iter(pictures), fps=Fraction(25), quality=8) == 12
    read = list(read_frames(path))
    assert len(read) == 12
    assert read[0].shape == (height + height % 2, width + width % 2, 3)
    if height > 2:
        assert [read_number(picture[:height, :width]) for picture in read] == list(range(12))


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001), Fraction(12)])
def test_the_rate_is_kept(tmp_path, fps):
    path = tmp_path / "a.mp4"
    write_video(path, [counter_picture(number) for number in range(20)], fps=fps)
    assert probe(path).fps == fps
    assert [read_number(picture) for picture in read_frames(path, fps=None)] == list(range(20))


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_sound_keeps_its_length_and_place(tmp_path, rate):
    wav = write_click_wav(tmp_path / "a.wav", 1.7317, rate)
    path = tmp_path / "a.mp4"
    write_video(path, [counter_picture(number) for number in range(50)], fps=Fraction(25), audio=wav)
    samples = read_audio(path, align=True)
    assert len(samples) == pytest.approx(1.7317 * rate, abs=1)
    for click in CLICKS:
        assert find_click(samples, rate, click) == pytest.approx(click, abs=0.001)
    assert len(list(read_frames(path))) == 50


def test_names_are_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("-dash.mp4", "a b'\"\n%d.mp4", "http:x.mp4", "a\udcff.mp4"):
        write_video(name, [counter_picture(1)] * 2, fps=Fraction(25))
        assert len(list(read_frames(name))) == 2


def test_what_ffmpeg_says_is_told(tmp_path):
    with pytest.raises(OutputError, match="No such file or directory") as error:
        write_video(tmp_path / "none" / "a.mp4", [counter_picture(1)] * 5, fps=Fraction(25))
    assert "\n" not in str(error.value)
    with pytest.raises(OutputError, match="ffmpeg failed"):
        write_video(tmp_path / "a.mp4", [counter_picture(1)] * 5, fps=Fraction(25), audio=tmp_path / "none.wav")
    with pytest.raises(OutputError, match="no picture"):
        write_video(tmp_path / "a.mp4", [], fps=Fraction(25))


def test_pictures_of_another_size_are_refused_and_ffmpeg_ends(tmp_path):
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(ValueError, match="expected"):
        write_video(tmp_path / "a.mp4", [counter_picture(1), counter_picture(1, height=66)], fps=Fraction(25))
    writer = VideoWriter(tmp_path / "b.mp4", width=64, height=64, fps=Fraction(25))
    with contextlib.suppress(KeyboardInterrupt), writer:
        writer.write(counter_picture(1))
        raise KeyboardInterrupt
    assert writer._process.returncode is not None
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_device_without_room_is_told():
    noise = np.random.default_rng(0).integers(0, 255, (30, 64, 64, 3), dtype=np.uint8)
    with pytest.raises(OutputError, match="no room left on the disk"):
        write_video(Path("/dev/full"), noise, fps=Fraction(25), quality=5)


def test_a_file_past_the_limit_is_told(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (60, 64, 64, 3), dtype=np.uint8)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
    try:
        with pytest.raises(OutputError, match="past the size limit"):
            write_video(tmp_path / "a.mp4", noise, fps=Fraction(25), quality=5)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

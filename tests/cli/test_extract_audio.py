"""tk-extract-audio: the sound of anything as a mono 16-bit wav, beginning with the first picture."""

import json

import numpy as np
import pytest
import soundfile

from tests.media import CLICKS, click_sound, find_click, write_click_wav, write_clip
from tk_tools.files.made_from import read_provenance


def read(path) -> tuple[np.ndarray, int]:
    info = soundfile.info(path)
    assert (info.format, info.subtype, info.channels) == ("WAV", "PCM_16", 1)
    return soundfile.read(path)


def test_sound_of_a_video(tk, clip, tmp_path):
    ran = tk("tk-extract-audio", "--json", clip, tmp_path / "out")
    assert json.loads(ran.out) == {
        "path": str(tmp_path / "out" / "clip.wav"), "source": str(clip), "status": "done",
        "sample_rate": 16000, "samples": 32000, "seconds": 2.0,
    }  # fmt: skip
    samples, rate = read(tmp_path / "out" / "clip.wav")
    assert (len(samples), rate) == (32000, 16000)
    for click in CLICKS:
        assert find_click(samples, rate, click) == pytest.approx(click, abs=0.001)


@pytest.mark.parametrize("delay", [0.2, -0.2])
def test_the_start_of_the_sound_is_honoured_unless_not_asked(tk, tmp_path, delay):
    clip = write_clip(tmp_path / "clip.mkv", sound_delay=delay, options=("-c:a", "pcm_s16le"))
    samples, rate = read(tk("tk-extract-audio", clip, tmp_path / "a.wav").paths[0])
    assert find_click(samples, rate, CLICKS[1] + delay) == pytest.approx(CLICKS[1] + delay, abs=0.002)
    samples, rate = read(tk("tk-extract-audio", "--no-align", clip, tmp_path / "b.wav").paths[0])
    assert find_click(samples, rate, CLICKS[1]) == pytest.approx(CLICKS[1], abs=0.002)


def test_the_rate_of_the_source(tk, clip, tmp_path):
    samples, rate = read(tk("tk-extract-audio", "--sample-rate", "0", clip, tmp_path / "a.wav").paths[0])
    assert (len(samples), rate) == (88200, 44100)


def test_a_wav_comes_through(tk, tmp_path):
    source = write_click_wav(tmp_path / "a.wav", 1.5, 16000, subtype="PCM_24", channels=2)
    samples, _ = read(tk("tk-extract-audio", source, tmp_path / "out").paths[0])
    assert np.abs(samples - click_sound(1.5, 16000)[:, 0]).max() <= 1 / 32768


def test_a_tenth_of_a_second(tk, tmp_path):
    source = write_click_wav(tmp_path / "a.wav", 0.1, 44100, clicks=(0.05,))
    samples, rate = read(tk("tk-extract-audio", source, tmp_path / "out").paths[0])
    assert len(samples) == 1600
    assert find_click(samples, rate, 0.05) == pytest.approx(0.05, abs=0.001)


def test_no_sound_and_no_numbers(tk, tmp_path):
    silent = write_clip(tmp_path / "a.mp4", sound=None)
    sound = click_sound(0.5, 16000)[:, 0]
    sound[100] = np.inf
    soundfile.write(tmp_path / "b.wav", sound, 16000, subtype="FLOAT")
    ran = tk("tk-extract-audio", silent, tmp_path / "b.wav", tmp_path / "out")
    assert ran.code == 1
    assert f"{silent}: has no sound" in ran.err
    assert f"{tmp_path}/b.wav: sample 100 is not a number" in ran.err


def test_the_source_is_never_overwritten(tk, tmp_path):
    source = write_click_wav(tmp_path / "a.wav")
    before = source.read_bytes()
    for arguments in ((source, tmp_path), (source, source), ("--force", tmp_path, tmp_path)):
        ran = tk("tk-extract-audio", *arguments)
        assert ran.code == 1
        assert "would take the place of its source" in ran.err
        assert source.read_bytes() == before


def test_a_users_recording_is_not_replaced(tk, tmp_path, clip):
    mine = write_click_wav(tmp_path / "clip.wav", 0.3)
    before = mine.read_bytes()
    ran = tk("tk-extract-audio", clip, tmp_path)
    assert ran.code == 1
    assert "--force" in ran.err
    assert mine.read_bytes() == before
    assert tk("tk-extract-audio", "--force", clip, tmp_path).code == 0
    assert read_provenance(mine).source.name == "clip.mp4"

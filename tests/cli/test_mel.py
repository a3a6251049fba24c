"""tk-mel: a file of the right shape for each preset, the same whatever the sound comes in."""

import json

import numpy as np
import pytest

from tests.media import write_click_wav, write_clip
from tk_tools.audio.mel_presets import PRESETS
from tk_tools.files.mel_file import read_mel_file


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_each_preset(tk, tmp_path, preset):
    source = write_click_wav(tmp_path / "a.wav", 2.0, 44100, channels=2)
    ran = tk("tk-mel", "--json", "--preset", preset.name, source, tmp_path / "out")
    row = json.loads(ran.out)
    mel = read_mel_file(tmp_path / "out" / "a.mel.h5")
    assert mel.values.dtype == np.float32
    assert mel.values.shape == (row["frames"], row["bands"]) == (row["frames"], preset.n_mels)
    assert (mel.preset, mel.sample_rate, mel.hop_length) == (preset.name, preset.sample_rate, preset.hop_length)
    assert mel.values.shape[0] == pytest.approx(2.0 * preset.columns_per_second, abs=4)
    assert np.isfinite(mel.values).all()
    loudest = mel.values.sum(axis=1).argmax() / preset.columns_per_second
    assert min(abs(loudest - click) for click in (0.4, 1.2)) < 0.04


def test_the_sound_of_a_video_gives_the_mel_of_its_wav(tk, tmp_path):
    clip = write_clip(tmp_path / "a.mp4")
    wav = tk("tk-extract-audio", clip, tmp_path / "wavs").paths[0]
    tk("tk-mel", clip, tmp_path / "video.mel.h5")
    tk("tk-mel", wav, tmp_path / "wav.mel.h5")
    from_video, from_wav = (read_mel_file(tmp_path / f"{name}.mel.h5").values for name in ("video", "wav"))
    assert from_video.shape == from_wav.shape
    # the wav is rounded to 16 bits: silence differs, the clicks do not
    loud = from_wav > 0
    assert np.abs(from_video - from_wav)[loud].max() < 0.05


def test_another_preset_makes_it_again(tk, tmp_path):
    source = write_click_wav(tmp_path / "a.wav")
    for preset, told in (("wav2lip", ""), ("diffvc", "1 done (1 replaced)\n")):
        ran = tk("tk-mel", "--preset", preset, source, tmp_path / "out")
        assert (ran.code, ran.err.partition("tk-mel: ")[2]) == (0, told)
        assert read_mel_file(ran.paths[0]).preset == preset


def test_an_unknown_preset(tk, tmp_path):
    ran = tk("tk-mel", "--preset", "wavlip", write_click_wav(tmp_path / "a.wav"), tmp_path)
    assert ran.code == 2
    assert "wav2lip" in ran.err


def test_a_very_short_sound_is_done_or_told(tk, tmp_path):
    for seconds in (0.1, 0.001):
        source = write_click_wav(tmp_path / f"{seconds}.wav", seconds, clicks=(seconds / 2,))
        ran = tk("tk-mel", source, tmp_path / "out")
        assert ran.code in (0, 1)
        if ran.code:
            assert ran.err.count("\n") == 1
            assert "too short" in ran.err
        else:
            assert read_mel_file(ran.paths[0]).values.shape[1] == 80

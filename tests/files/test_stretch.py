"""A stretch of a sound is what the whole holds there, read from where it lies."""

import numpy as np
import pytest
import soundfile

from tests.models.hifigan.sounds import voice, write_voice
from tk_tools.errors import InputError
from tk_tools.files import stretch
from tk_tools.files.resample import resampled
from tk_tools.files.soundtrack import read_audio
from tk_tools.files.stretch import look_at, read_at, read_whole


@pytest.mark.parametrize(
    ("name", "subtype", "channels", "seekable"),
    [
        ("a.wav", "PCM_16", 1, True),
        ("a.wav", "PCM_24", 2, True),
        ("a.wav", "FLOAT", 1, True),
        ("a.flac", "PCM_16", 2, True),
        ("a.aiff", "PCM_16", 1, True),
        ("a.wav", "PCM_16", 3, False),
        ("a.wav", "ULAW", 1, False),
        ("a.mp3", None, 1, False),
        ("a.ogg", None, 2, False),
    ],
)
def test_it_equals_that_of_the_whole(tmp_path, name, subtype, channels, seekable):
    samples = np.stack([voice(0.8, 16000, seed=seed) for seed in range(channels)], axis=1)
    soundfile.write(tmp_path / name, samples, 16000, subtype=subtype)
    sound, whole = look_at(tmp_path / name), read_audio(tmp_path / name)
    assert (sound.rate, sound.samples, sound.seekable) == (16000, len(whole), seekable)
    assert sound.peak == pytest.approx(float(np.abs(whole).max()), abs=1e-6)
    for start, stop in ((0, 500), (3001, 9000), (11000, sound.samples)):
        piece = read_at(sound, start, stop, rate=16000)
        assert np.allclose(piece, whole[start:stop], atol=1e-6)
        assert np.array_equal(piece, read_at(sound, start, stop, rate=16000, whole=read_whole(sound)))


@pytest.mark.parametrize("rate", [8000, 16000, 22051, 24000, 44100, 48000])
def test_at_another_rate_it_is_a_part_of_the_whole_resampled(tmp_path, rate):
    sound = look_at(write_voice(tmp_path / "a.wav", 3.0, rate=rate))
    whole = np.concatenate(list(resampled([read_audio(tmp_path / "a.wav")], rate, 22050)))
    assert abs(sound.length(22050) - len(whole)) <= 1
    for start, stop in ((0, 4096), (20001, 28193), (sound.length(22050) - 3000, sound.length(22050))):
        piece = read_at(sound, start, stop, rate=22050)
        assert len(piece) == stop - start
        assert np.abs(piece - whole[start:stop]).max() < 1e-4


def test_what_lies_before_it_is_not_decoded(tmp_path, monkeypatch):
    sound = look_at(write_voice(tmp_path / "a.flac", 2.0))
    monkeypatch.setattr(stretch, "read_audio_blocks", None)
    assert read_at(sound, 30000, 38192, rate=22050).shape == (8192,)


def test_a_file_that_became_shorter_is_named(tmp_path):
    sound = look_at(write_voice(tmp_path / "a.wav", 2.0))
    write_voice(tmp_path / "a.wav", 1.0)
    with pytest.raises(InputError, match="shorter than it was"):
        read_at(sound, 30000, 38192, rate=22050)
    (tmp_path / "a.wav").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        read_at(sound, 0, 10, rate=22050)

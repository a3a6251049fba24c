"""Segments follow from (clip, seed); a mel's frames lie beside their samples; what is of no use is said."""

import logging

import numpy as np
import pytest
import torch

from tests.models.hifigan.sounds import RATE, voice, write_voice
from tk_tools.audio.make_mel import MelOptions, make_mel
from tk_tools.audio.mel import mel
from tk_tools.errors import InputError
from tk_tools.files.soundtrack import read_audio
from tk_tools.files.wav import write_wav
from tk_tools.models.hifigan import data as data_module
from tk_tools.models.hifigan.config import FinetuneConfig, VocoderConfig
from tk_tools.models.hifigan.data import SILENT_MEL, Segments, Utterances, inspect_pair, inspect_sound
from tk_tools.train.task import Draw

SMALL = {"segment": 2048}


def segments(paths, kind=Segments, peak=0.0, **values):
    config = VocoderConfig(**SMALL | values)
    return kind([inspect_sound(path, config) for path in paths], config, peak)


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_an_item_is_a_segment_that_follows_from_its_draw(tmp_path):
    paths = [write_voice(tmp_path / f"{seed}.wav", seed=seed, peak=0.2) for seed in range(2)]
    data, again = segments(paths, peak=0.95), segments(paths, peak=0.95)
    whole = read_audio(paths[1])
    whole = whole / np.abs(whole).max() * 0.95
    for seed in range(5):
        item = data[Draw(1, seed)]
        assert same(item, again[Draw(1, seed)])
        places = np.flatnonzero(np.isclose(whole, item["wave"][0], atol=1e-5))
        assert any(np.allclose(whole[at : at + 2048], item["wave"], atol=1e-5) for at in places)
    assert not same(data[Draw(1, 1)], data[Draw(1, 2)])


@pytest.mark.parametrize(("cache_mb", "decoded"), [(0, 0), (100, 1)])
def test_a_compressed_sound_is_decoded_once_while_there_is_room(tmp_path, monkeypatch, cache_mb, decoded):
    path = write_voice(tmp_path / "a.mp3", 1.5, subtype=None)
    data, expected = segments([path], cache_mb=cache_mb), segments([path])
    count = []
    whole = data_module.read_whole
    monkeypatch.setattr(data_module, "read_whole", lambda sound: count.append(sound) or whole(sound))
    items = [data[Draw(0, seed)] for seed in range(3)]
    assert len(count) == decoded
    assert all(same(item, expected[Draw(0, seed)]) for seed, item in enumerate(items))


def test_a_long_recording_counts_as_several_clips_that_cover_it(tmp_path, monkeypatch):
    data = segments([write_voice(tmp_path / "a.wav", 5.0), write_voice(tmp_path / "b.wav", 0.5)], seconds_per_item=2.0)
    assert len(data) == 4
    starts = []
    read = Segments.read
    monkeypatch.setattr(
        Segments, "read", lambda self, place, start, size: starts.append(start) or read(self, place, start, size)
    )
    for share in range(3):
        starts.clear()
        for seed in range(40):
            data[Draw(share, seed)]
        last = data.clips[0].samples - 2048
        assert share / 3 * last <= min(starts) + 1 < max(starts) <= (share + 1) / 3 * last + 1
        assert max(starts) - min(starts) > last / 6


def test_a_short_sound_is_filled_up_with_silence(tmp_path):
    item = segments([write_voice(tmp_path / "a.wav", 0.1)], segment=8192)[Draw(0, 0)]
    frames = RATE // 10 // 256 * 256
    assert item["wave"].shape == (8192,)
    assert item["wave"][:frames].abs().max() > 0.1
    assert not item["wave"][frames:].any()


def test_validation_is_on_whole_clips_and_the_middle_of_long_ones(tmp_path):
    paths = [write_voice(tmp_path / f"{name}.wav", seconds) for name, seconds in (("a", 0.5), ("b", 3.0))]
    data = segments(paths, Utterances, val_seconds=1.0)
    short, long = (data[Draw(number, seed=5)] for number in range(2))
    assert short["wave"].shape == long["wave"].shape
    assert short["samples"] == 11025 // 256 * 256
    assert long["samples"] == 22050 // 256 * 256
    whole, middle = voice(3.0), long["wave"][: long["samples"]].numpy()
    at = (len(whole) // 256 * 256 - len(middle)) // 2 // 256 * 256
    assert np.allclose(middle, whole[at : at + len(middle)], atol=1e-4)
    assert same(long, data[Draw(1, seed=6)])


@pytest.fixture
def pair(tmp_path):
    sound = write_voice(tmp_path / "a.wav", 1.0)
    make_mel(sound, tmp_path / "a.mel.h5", MelOptions("diffvc"))
    return tmp_path / "a.mel.h5", sound


def test_a_mel_lies_beside_its_sound(pair, tmp_path):
    config = FinetuneConfig(**SMALL)
    np.save(tmp_path / "a_mel.npy", mel(voice(1.0), "diffvc").T[None])
    for path in (pair[0], tmp_path / "a_mel.npy"):
        item = Segments([inspect_pair(path, pair[1], config)], config)[Draw(0, 3)]
        again = mel(item["wave"].numpy(), "diffvc").T
        assert item["mel"].shape == (80, 8)
        assert np.abs(item["mel"].numpy() - again)[:, 2:-2].max() < 0.05  # the ends hear what lies around
    short = FinetuneConfig(segment=256 * 100)
    item = Segments([inspect_pair(*pair, short)], short)[Draw(0, 0)]
    assert (item["mel"][:, 86:] == SILENT_MEL).all()
    assert not item["wave"][86 * 256 :].any()


def test_a_mel_that_does_not_fit_is_refused(pair, tmp_path):
    config = FinetuneConfig()
    make_mel(pair[1], tmp_path / "b.mel.h5", MelOptions("wav2lip"))
    with pytest.raises(InputError, match=r"preset wav2lip; make it with tk-mel --preset diffvc"):
        inspect_pair(tmp_path / "b.mel.h5", pair[1], config)
    with pytest.raises(InputError, match=r"has 86 frames \(1\.00 s\), and .*long\.wav lasts 2\.00 s"):
        inspect_pair(pair[0], write_voice(tmp_path / "long.wav", 2.0), config)
    for values, words in ((np.zeros((40, 86), np.float32), "80, frames"), (np.full((80, 86), np.nan), "no numbers")):
        np.save(tmp_path / "c_mel.npy", values)
        with pytest.raises(InputError, match=words):
            inspect_pair(tmp_path / "c_mel.npy", pair[1], config)
    (tmp_path / "c_mel.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(InputError, match="no NumPy array"):
        inspect_pair(tmp_path / "c_mel.npy", pair[1], config)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seconds": 0.05}, "has 0.050 s of sound"),
        ({"peak": 0.0005}, "nothing but silence"),
        ({"rate": 8000}, "is at 8000 Hz and lacks what the mel hears up to 8000 Hz"),
    ],
)
def test_what_is_of_no_use_is_said(tmp_path, options, words):
    with pytest.raises(InputError, match=words) as caught:
        inspect_sound(write_voice(tmp_path / "a.wav", **options), VocoderConfig())
    assert "a.wav" in str(caught.value)
    assert inspect_sound(write_voice(tmp_path / "b.wav", rate=8000), VocoderConfig(min_sample_rate=8000)).samples


def test_a_damaged_file_is_of_no_use(tmp_path):
    path = write_voice(tmp_path / "a.wav")
    path.write_bytes(path.read_bytes()[:20000])
    with pytest.raises(InputError, match="cut short"):
        inspect_sound(path, VocoderConfig())


def test_clipping_is_told_and_trained_on(tmp_path, caplog):
    write_wav(tmp_path / "a.wav", [np.clip(4 * voice(1.0), -1, 1)], rate=RATE)
    with caplog.at_level(logging.WARNING):
        inspect_sound(tmp_path / "a.wav", VocoderConfig())
        inspect_sound(write_voice(tmp_path / "b.wav", peak=0.9999), VocoderConfig())
    (line,) = caplog.messages
    assert "a.wav" in line
    assert "clipped" in line


def test_a_clip_that_vanishes_is_told_once(tmp_path, caplog):
    data = segments([write_voice(tmp_path / "gone.wav"), write_voice(tmp_path / "b.wav")])
    (tmp_path / "gone.wav").unlink()
    with caplog.at_level(logging.WARNING):
        for seed in range(4):
            assert data[Draw(0, seed)]["wave"].shape == (2048,)
    assert sum("gone.wav" in line for line in caplog.messages) == 1
    (tmp_path / "b.wav").unlink()
    with pytest.raises(InputError, match="none of the clips"):
        data[Draw(0, 9)]

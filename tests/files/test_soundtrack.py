"""Sound lies beside the pictures to the millisecond, from every container and codec, and is told when it cannot be."""

from fractions import Fraction

import numpy as np
import pytest
import soundfile

from tests.media import (
    CLICKS,
    H264,
    NTSC,
    click_sound,
    ffmpeg,
    find_click,
    write_click_wav,
    write_clip,
)
from tk_tools.errors import InputError
from tk_tools.files.media import probe
from tk_tools.files.soundtrack import clip_samples, read_audio, read_clip_audio, to_int16


def click_times(path, rate=16000, **options) -> list[float]:
    samples = read_audio(path, rate=rate, **options)
    return [find_click(samples, rate, near) for near in CLICKS]


@pytest.mark.parametrize("delay", [0.0, 0.2, -0.2])
@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(".mp4", "aac"), (".mkv", "pcm_s16le"), (".mkv", "libmp3lame"), (".mov", "aac"), (".mov", "pcm_s16le")],
)
@pytest.mark.parametrize("rate", [44100, 48000])
def test_sound_that_starts_beside_the_picture(tmp_path, delay, suffix, codec, rate):
    options = (*H264, "-c:a", codec)
    path = write_clip(tmp_path / f"clip{suffix}", sound_delay=delay, rate=rate, options=options)
    samples = np.concatenate(list(read_clip_audio(path, rate=16000, samples=32000)))
    assert samples.dtype == np.int16
    assert len(samples) == 32000
    for click in CLICKS:
        assert find_click(samples, 16000, click + delay) == pytest.approx(click + delay, abs=0.002)
    if delay > 0:
        assert np.abs(samples[: int(0.18 * 16000)]).max() <= 40, "silence before the sound begins"


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".mp3", "libmp3lame"), (".m4a", "aac"), (".flac", "flac"), (".ogg", "libopus")]
)
def test_sound_files_keep_their_length_and_place(tmp_path, suffix, codec):
    wav = write_click_wav(tmp_path / "source.wav", 2.0, 48000, channels=2)
    path = tmp_path / f"sound{suffix}"
    ffmpeg("-i", wav, "-c:a", codec, path)
    samples = read_audio(path, rate=16000)
    assert len(samples) == pytest.approx(32000, abs=1)
    for click in CLICKS:
        assert find_click(samples, 16000, click) == pytest.approx(click, abs=0.002)


def test_aac_padding_is_cut_to_the_length_that_the_container_tells(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", sound=1.503, options=H264)
    assert len(read_audio(path, align=True)) == pytest.approx(1.503 * 44100, abs=1)


def test_sound_that_ends_before_the_pictures_is_filled_with_silence(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", sound=1.5, options=H264)
    samples = np.concatenate(list(read_clip_audio(path, rate=16000, samples=32000)))
    assert len(samples) == 32000
    assert not samples[int(1.52 * 16000) :].any()
    assert find_click(samples, 16000, CLICKS[1]) == pytest.approx(CLICKS[1], abs=0.002)


def test_a_hole_in_the_sound_is_silence(tmp_path):
    path = tmp_path / "clip.mkv"
    wav = write_click_wav(tmp_path / "source.wav", 2.0, 48000)
    cut = "aselect='lt(t,0.8)+gte(t,1.1)'"
    ffmpeg("-i", wav, "-af", cut, "-c:a", "pcm_s16le", path)
    assert click_times(path) == pytest.approx(CLICKS, abs=0.002)
    assert len(read_audio(path)) == pytest.approx(96000, abs=48)  # Matroska counts milliseconds


@pytest.mark.parametrize(
    ("subtype", "channels", "format"),
    [
        ("PCM_U8", 1, "WAV"),
        ("PCM_16", 2, "WAV"),
        ("PCM_24", 1, "WAV"),
        ("FLOAT", 2, "WAV"),
        ("DOUBLE", 1, "WAV"),
        ("PCM_16", 6, "WAVEX"),
    ],
)
def test_every_kind_of_wav_gives_the_same_sound(tmp_path, subtype, channels, format):
    expected = click_sound(2.0, 16000)[:, 0]
    path = tmp_path / "sound.wav"
    soundfile.write(path, click_sound(2.0, 16000, channels=channels), 16000, subtype=subtype, format=format)
    samples = read_audio(path)
    assert samples.dtype == np.float32
    assert samples.shape == expected.shape
    if channels <= 2:
        assert np.abs(samples - expected).max() < (0.01 if subtype == "PCM_U8" else 1e-4)
    assert [find_click(samples, 16000, click) for click in CLICKS] == pytest.approx(CLICKS, abs=1e-4)
    assert np.abs(samples).max() <= 1


def test_sixteen_bits_come_through_unchanged(tmp_path):
    values = np.random.default_rng(0).integers(-32768, 32768, 20000).astype(np.int16)
    path = tmp_path / "sound.wav"
    soundfile.write(path, values, 16000, subtype="PCM_16")
    assert np.array_equal(to_int16(read_audio(path)), values)


def test_a_wav_with_nan_is_refused(tmp_path):
    sound = click_sound(0.5, 16000)[:, 0]
    sound[1234] = np.nan
    path = tmp_path / "sound.wav"
    soundfile.write(path, sound, 16000, subtype="FLOAT")
    with pytest.raises(InputError, match="sample 1234 is not a number"):
        read_audio(path, rate=8000)


def test_no_sound(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", sound=None, options=H264)
    assert not probe(path).has_audio
    with pytest.raises(InputError, match="no sound"):
        read_audio(path)


@pytest.mark.parametrize("part", [0.3, 0.6])
def test_sound_of_a_truncated_file_is_refused(tmp_path, part):
    whole = write_clip(tmp_path / "clip.mp4", options=(*H264, "-movflags", "+faststart")).read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(InputError, match="cut short"):
        read_audio(path)
    whole = write_click_wav(tmp_path / "sound.wav").read_bytes()
    path = tmp_path / "cut.wav"
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(InputError, match="cut short"):
        read_audio(path)


def test_clip_samples_is_the_length_of_the_pictures_to_one_sample():
    for frames, fps, rate in (
        (50, Fraction(25), 16000),
        (61, NTSC, 44100),
        (1, Fraction(24000, 1001), 48000),
        (0, NTSC, 16000),
    ):
        assert abs(clip_samples(frames, fps, rate) - frames / fps * rate) <= Fraction(1, 2)

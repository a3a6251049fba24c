"""The writer of wav files: mono or many channels, 16 bits, whole or not at all."""

import io

import numpy as np
import pytest
import soundfile

from tk_tools.errors import InputError
from tk_tools.files.media import open_media
from tk_tools.files.soundtrack import read_audio
from tk_tools.files.wav import stream_wav, write_wav


@pytest.mark.parametrize("channels", [1, 2])
def test_blocks_follow_one_another(tmp_path, channels):
    values = np.random.default_rng(0).integers(-32768, 32768, (5000, channels)).astype(np.int16)
    values = values[:, 0] if channels == 1 else values
    path = tmp_path / "a.wav"
    assert write_wav(path, np.array_split(values, 7), 22050, channels=channels) == 5000
    read, rate = soundfile.read(path, dtype="int16")
    assert rate == 22050
    assert np.array_equal(read, values)
    assert soundfile.info(path).subtype == "PCM_16"


def test_floats_are_rounded_and_clipped(tmp_path):
    path = tmp_path / "a.wav"
    write_wav(path, [np.array([0, 0.5, 1, 1.5, -1, -1.5, 1 / 32768], np.float32)], 16000)
    assert soundfile.read(path, dtype="int16")[0].tolist() == [0, 16384, 32767, 32767, -32768, -32768, 1]


def test_an_error_in_the_source_leaves_nothing(tmp_path):
    def blocks():
        yield np.zeros(100, np.int16)
        raise InputError("is damaged")

    with pytest.raises(InputError):
        write_wav(tmp_path / "a.wav", blocks(), 16000)
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_not_utf8(tmp_path):
    path = tmp_path / "a\udcff \n.wav"
    write_wav(path, [np.zeros(100, np.int16)], 16000)
    assert path.stat().st_size > 200


def test_a_stream_says_that_its_length_is_not_known(tmp_path):
    values = np.random.default_rng(0).integers(-32768, 32768, 5000).astype(np.int16)
    file = io.BytesIO()
    assert stream_wav(file, np.array_split(values, 3), 24000, comment="made") == 5000
    path = tmp_path / "a.wav"
    path.write_bytes(file.getvalue())
    assert np.array_equal(np.rint(32768 * read_audio(path)), values)
    assert np.array_equal(soundfile.read(path, dtype="int16")[0], values)
    with open_media(path) as container:
        assert container.metadata["comment"] == "made"
    nothing = io.BytesIO()
    assert stream_wav(nothing, [], 24000) == 0
    assert nothing.getvalue() == b""

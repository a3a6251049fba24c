"""MCD: ESPnet's numbers, the package's numbers, and zero for equal sounds."""

import sys

import numpy as np
import pytest
from scipy.io import wavfile

from tests.audio.voices import voice
from tk_tools.errors import MissingPackage
from tk_tools.metrics.mel_cepstral_distortion import distortion_along_path, kubichek_distortion

# of ESPnet's evaluate_mcd (pysptk 1.0.1, fastdtw 0.3.4) on the two voices below
ESPNET = {16000: 5.001115539, 22050: 4.867063289, 24000: 5.007246241, 44100: 4.874155406, 48000: 4.840545788}


def voices(rate):
    return voice(rate, noise=0.003), voice(rate, seconds=1.8, f0=150.0, gap=(0.9, 1.0), noise=0.003)


@pytest.mark.parametrize("rate", ESPNET)
def test_it_is_espnets(rate):
    assert distortion_along_path(*voices(rate), rate)[0] == pytest.approx(ESPNET[rate], abs=1e-4)


def test_the_path_is_told_in_seconds():
    first, second = voices(16000)
    _, path = distortion_along_path(first, second, 16000)
    assert path[0].tolist() == [0.032, 0.032]  # the middle of a frame of 64 ms
    assert path[-1] == pytest.approx([1.5 - 0.032, 1.8 - 0.032], abs=0.016)


def test_equal_sounds_have_none():
    first, _ = voices(16000)
    assert distortion_along_path(first, first, 16000)[0] == 0


def test_kubicheks_is_that_of_the_package(tmp_path):
    package = pytest.importorskip("mel_cepstral_distance")
    first, second = voices(16000)
    for name, samples in (("a", first), ("b", second)):
        wavfile.write(tmp_path / f"{name}.wav", 16000, samples)
    theirs, _ = package.compare_audio_files(tmp_path / "a.wav", tmp_path / "b.wav")
    assert kubichek_distortion(first, second, 16000) == pytest.approx(theirs)
    assert kubichek_distortion(first, first, 16000) == pytest.approx(0)


def test_a_package_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "mel_cepstral_distance", None)
    with pytest.raises(MissingPackage, match="pip install mel-cepstral-distance"):
        kubichek_distortion(np.zeros(2000), np.zeros(2000), 16000)

"""What is not here is told with the command that gets it; Whisper is asked for no draws; a real recogniser listens."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from tk_tools.audio.recogniser import open_recogniser
from tk_tools.errors import MissingPackage, WeightsError


@pytest.fixture(autouse=True)
def _afresh():
    open_recogniser.cache_clear()
    yield
    open_recogniser.cache_clear()


@pytest.fixture
def whisper(monkeypatch):
    """A stand-in for faster_whisper, whose cache holds the model `tiny` alone; what it was asked for is kept."""
    asked = SimpleNamespace(model=None, call=None)

    class WhisperModel:
        def __init__(self, name, **options):
            if name == "nosuch":
                raise ValueError("Invalid model size 'nosuch'")
            if name == "small":
                raise FileNotFoundError("not in the cache")
            asked.model = (name, options)

        def transcribe(self, samples, **options):
            asked.call = (samples.dtype, options)
            return iter([SimpleNamespace(text=" Hello"), SimpleNamespace(text=" there. ")]), None

    monkeypatch.setitem(sys.modules, "faster_whisper", SimpleNamespace(WhisperModel=WhisperModel))
    return asked


@pytest.mark.parametrize(("package", "name"), [("faster_whisper", "small"), ("pocketsphinx", "pocketsphinx")])
def test_a_package_that_is_not_there_is_told(monkeypatch, package, name):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackage, match=f"pip install {package.replace('_', '-')}"):
        open_recogniser(name)


def test_whisper_is_never_fetched_and_never_draws_at_random(whisper):
    assert open_recogniser("tiny", "cuda:1")(np.zeros(10)) == "Hello there."
    assert whisper.model == ("tiny", {"device": "cuda", "device_index": 1, "local_files_only": True})
    assert whisper.call == (np.float32, {"temperature": 0.0})


@pytest.mark.parametrize(
    ("name", "said"),
    [("small", "download_model"), ("nosuch", "no recogniser 'nosuch'"), ("empty", "holds no model.bin")],
)
def test_a_model_that_is_not_there_is_told(whisper, tmp_path, monkeypatch, name, said):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match=said):
        open_recogniser(name)


def test_one_that_is_installed_hears_what_is_said():
    pytest.importorskip("pocketsphinx")
    speech = pytest.importorskip("tk_tools.demo.speech")
    from tk_tools.files.resample import resampled

    spoken = speech.speak("The weather was very good yesterday.", rate=140)
    pieces = resampled([spoken.samples / np.float32(32768)], rate_in=spoken.sample_rate, rate_out=16000)
    heard = open_recogniser("pocketsphinx")(np.concatenate(list(pieces))).split()
    assert {"weather", "yesterday"} <= set(heard)

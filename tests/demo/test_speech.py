"""Synthetic speech: the same samples every time, phonemes where the sound has them."""

import sys
import time

import numpy as np
import pytest

from tk_tools.demo.script import trim, write_script
from tk_tools.demo.speech import VOICES, speak
from tk_tools.errors import MissingPackage, TkError
from tk_tools.text import espeak
from tk_tools.text.phonemes import Phonemiser

TEXT = "My mother put a warm pot of soup by the pool."


def test_what_was_spoken_before_changes_nothing():
    first = speak(TEXT, voice="en-us+f2")
    speak("Something else, in another voice.", voice="en-gb-x-rp+m4", rate=300)
    again = speak(TEXT, voice="en-us+f2")
    assert np.array_equal(first.samples, again.samples)
    assert first.phonemes == again.phonemes


def test_texts_read_in_the_same_process_change_nothing():
    pytest.importorskip("phonemizer")
    first = speak(TEXT, voice="en-us+f2")
    Phonemiser("en-us").phonemes("Something else.")
    speak("Something else, in another voice.", voice="en-gb-x-rp+m4", rate=300)
    assert np.array_equal(first.samples, speak(TEXT, voice="en-us+f2").samples)


def test_time_of_day_changes_nothing():
    """The library seeds its noise with the seconds of the clock; a breathy voice shows it."""
    first = speak(TEXT, voice="en-gb-x-rp+f2")
    second = int(time.time())
    while int(time.time()) == second:
        time.sleep(0.05)
    assert np.array_equal(first.samples, speak(TEXT, voice="en-gb-x-rp+f2").samples)


def test_phonemes_cover_the_sound_and_sit_where_it_is_loud():
    said = speak(TEXT)
    assert said.samples.dtype == np.int16
    assert said.samples.ndim == 1
    assert said.phonemes[0].start == 0
    assert said.phonemes[-1].stop == len(said.samples)
    assert all(one.stop == other.start for one, other in zip(said.phonemes, said.phonemes[1:], strict=False))
    assert sum("m" in one.name for one in said.phonemes) == 3  # my, mother, warm

    def loudness(names):
        parts = [said.samples[one.start : one.stop] for one in said.phonemes if one.name.lstrip("',") in names]
        return np.sqrt(np.mean(np.concatenate(parts).astype(float) ** 2))

    assert loudness({"V", "0", "O@", "O:", "u:", "aI"}) > 3 * loudness({"p", "t", "s", "_"})


@pytest.mark.parametrize("voice", VOICES)
def test_each_voice_speaks(voice):
    said = speak("A bowl of soup.", voice=voice)
    assert 0.4 < len(said.samples) / said.sample_rate < 4
    assert np.abs(said.samples).max() > 3000


def test_rate_and_pitch_are_heeded():
    assert len(speak(TEXT, rate=120).samples) > 1.3 * len(speak(TEXT, rate=220).samples)
    assert not np.array_equal(speak(TEXT, pitch=20).samples, speak(TEXT, pitch=80).samples)


def test_unknown_voice():
    with pytest.raises(TkError, match="no voice 'nobody'"):
        speak(TEXT, voice="nobody")


def test_data_path_too_long_for_the_library(monkeypatch):
    expected = speak(TEXT).samples
    monkeypatch.setattr(espeak, "LONGEST_DATA_PATH", 10)
    monkeypatch.setattr(espeak, "_link_folder", None)
    assert np.array_equal(speak(TEXT).samples, expected)
    assert espeak._link_folder is not None


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(MissingPackage, match="pip install espeakng-loader"):
        speak(TEXT)


def test_trimmed_speech_starts_and_ends_with_a_sound():
    whole, cut = speak(TEXT), trim(speak(TEXT))
    assert cut.phonemes[0].name != "_"
    assert cut.phonemes[-1].name != "_"
    assert cut.phonemes[0].start == 0
    assert cut.phonemes[-1].stop == len(cut.samples) < len(whole.samples)


def test_script_fills_its_time_without_long_pauses():
    script = write_script(np.random.default_rng(5), seconds=6, margin_seconds=0.6)
    speech_rate = script.speech.sample_rate
    assert len(script.speech.samples) == round(7.2 * speech_rate)
    assert script.margin == round(0.6 * speech_rate)
    assert len(script.spoken) >= 2
    assert script.spoken[0][1] == 0
    pauses = [one.stop - one.start for one in script.speech.phonemes if one.name == "_"]
    assert max(pauses) < 0.6 * speech_rate

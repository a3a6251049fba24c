"""F0 is that of voices whose pitch is known, frames lie where they are said to, and noise has none."""

import sys

import numpy as np
import pytest

from tests.audio.voices import pitch_of_voice, voice
from tk_tools.audio import pitch
from tk_tools.audio.pitch import FRAMES_PER_SECOND, track_pitch
from tk_tools.audio.speech_choices import TRACKERS
from tk_tools.errors import MissingPackage

GAP = (0.6, 0.8)


@pytest.mark.parametrize("tracker", TRACKERS)
def test_it_is_the_pitch_of_the_voice(tracker):
    if tracker == "harvest":
        pytest.importorskip("pyworld")
    track = track_pitch(voice(gap=GAP), tracker)
    times = np.arange(len(track.f0)) / FRAMES_PER_SECOND
    assert len(track.f0) == 151
    assert not track.voiced[(times > GAP[0] + 0.05) & (times < GAP[1] - 0.05)].any()
    inside = track.voiced & (times > 0.1) & (times < 1.4) & ((times < 0.55) | (times > 0.85))
    assert inside.sum() > 80
    cents = 1200 * np.log2(track.f0[inside] / pitch_of_voice(times[inside]))
    assert np.median(np.abs(cents)) < 15
    assert abs(np.median(cents)) < 10


def test_pieces_of_a_long_sound_give_what_the_whole_gives(monkeypatch):
    sound = voice(seconds=3, gap=GAP, noise=0.001)
    whole = track_pitch(sound).f0
    monkeypatch.setattr(pitch, "PIECE", 110)
    monkeypatch.setattr(pitch, "CONTEXT", 40)
    pieces = track_pitch(sound).f0
    assert pieces.shape == whole.shape
    assert np.mean(np.isfinite(pieces) == np.isfinite(whole)) > 0.98
    assert np.nanmax(np.abs(1200 * np.log2(pieces / whole))) < 25


def test_noise_is_not_voiced():
    noise = 0.1 * np.random.default_rng(0).standard_normal(16000)
    assert track_pitch(noise).voiced.mean() < 0.05


def test_a_tracker_that_is_not_installed_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyworld", None)
    with pytest.raises(MissingPackage, match="pip install pyworld-prebuilt"):
        track_pitch(voice(seconds=0.2), "harvest")

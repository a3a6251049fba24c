"""F0 is that of voices whose pitch is known, frames lie where they are said to, and noise has none."""

import sys

import numpy as np
import pytest

from tests.audio.voices import pitch_of_voice, voice
from tk_tools.audio.pitch import FRAMES_PER_SECOND, track_pitch
from tk_tools.audio.speech_choices import TRACKERS
from tk_tools.errors import MissingPackage

GAP = (0.6, 0.8)


@pytest.mark.parametrize("tracker", TRACKERS)
def test_it_is_the_pitch_of_the_voice(tracker):
    if tracker == "harvest":
        pytest.importorskip("pyworld")
    pitch = track_pitch(voice(gap=GAP), tracker)
    times = np.arange(len(pitch.f0)) / FRAMES_PER_SECOND
    assert len(pitch.f0) == 151
    assert not pitch.voiced[(times > GAP[0] + 0.05) & (times < GAP[1] - 0.05)].any()
    inside = pitch.voiced & (times > 0.1) & (times < 1.4) & ((times < 0.55) | (times > 0.85))
    assert inside.sum() > 80
    cents = 1200 * np.log2(pitch.f0[inside] / pitch_of_voice(times[inside]))
    assert np.median(np.abs(cents)) < 15
    assert abs(np.median(cents)) < 10


def test_noise_is_not_voiced():
    noise = 0.1 * np.random.default_rng(0).standard_normal(16000)
    assert track_pitch(noise).voiced.mean() < 0.05


def test_a_tracker_that_is_not_installed_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyworld", None)
    with pytest.raises(MissingPackage, match="pip install pyworld-prebuilt"):
        track_pitch(voice(seconds=0.2), "harvest")

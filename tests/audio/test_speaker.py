"""The front end of the speaker encoder; its numbers and the network's are held by tests/golden (ge2e...)."""

import numpy as np
import pytest
import torch

from tests.audio.voices import voice
from tk_tools.audio import speaker
from tk_tools.errors import InputError, WeightsError
from tk_tools.nets.speaker_encoder import SpeakerEncoder
from tk_tools.weights.find import find_weights


def decibels(samples):
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)))


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return SpeakerEncoder().eval()


def test_quiet_speech_is_raised_and_loud_speech_left():
    quiet, loud = 0.01 * voice(), 2 * voice()
    assert decibels(quiet) < -30 < decibels(loud)
    assert decibels(speaker.prepare(quiet, trim=False)) == pytest.approx(-30, abs=1e-3)
    assert np.array_equal(speaker.prepare(loud, trim=False), loud)


def test_silence_is_cut_out_and_speech_is_not():
    speech = voice(seconds=2.4, gap=(0, 0))
    silence = np.zeros(16000, np.float32)
    both = np.concatenate([speech, silence, silence])
    whole, cut = len(speaker.cut_silence(speech)), len(speaker.cut_silence(both))
    assert whole > 0.9 * len(speech)
    assert whole <= cut < len(speech) + 0.3 * 16000
    assert len(speaker.cut_silence(silence)) == 0


@pytest.mark.parametrize("step", speaker.STEPS.values())
def test_windows_reach_the_end_or_leave_less_than_half_a_second(step):
    for samples in (1, 8000, 25_600, 25_601, 40_000, 63_999, 160_000):
        starts = speaker.window_starts(samples, step)
        end = (starts[-1] + speaker.FRAMES) * 160
        assert starts[0] == 0
        assert end >= samples or samples - end <= 0.75 * 25_600
        assert len(starts) == 1 or (samples - starts[-1] * 160) / 25_600 >= 0.75


def test_embeddings_have_unit_length_and_the_two_steps_differ(encoder):
    samples = voice(seconds=4, gap=(0, 0))
    one, other = (speaker.embed_utterance(encoder, samples, step=step) for step in speaker.STEPS.values())
    assert one.shape == (256,)
    assert (one >= 0).all()
    assert np.linalg.norm(one) == pytest.approx(1)
    assert not np.array_equal(one, other)
    assert speaker.embed_speaker(encoder, [samples, samples]) == pytest.approx(one, abs=1e-6)


def test_what_has_no_voice_is_refused(encoder):
    broken = voice()
    broken[100] = np.nan
    silent, none = np.zeros(16000, np.float32), np.zeros(0, np.float32)
    for samples, said in ((none, "empty"), (silent, "silent"), (broken, "no numbers")):
        with pytest.raises(InputError, match=said):
            speaker.embed_utterance(encoder, samples)
    click = np.zeros(16000, np.float32)
    click[8000] = 0.5
    with pytest.raises(InputError, match="no speech is heard"):
        speaker.embed_utterance(encoder, click)


def test_other_weights_are_refused(encoder, tmp_path):
    torch.save(encoder.state_dict(), tmp_path / "pretrained.pt")
    loaded = speaker.load_encoder(find_weights("ge2e", tmp_path))
    assert torch.equal(loaded.linear.weight, encoder.linear.weight)
    torch.save({"linear.weight": torch.zeros(256, 256)}, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match="speaker encoder"):
        speaker.load_encoder(tmp_path / "other.pt")

"""The front end of the speaker encoder; its numbers and the network's are held by tests/golden (ge2e...)."""

import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation

from tests.audio.voices import voice
from tk_tools.audio import speaker
from tk_tools.audio.mel import mel
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
    one, other = (speaker.embed_utterance(encoder, samples, step=step) for step in (77, 80))
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


def speech(seconds, pause=3.0):
    """A voice of 4 s and a pause, again and again, on a floor of noise."""
    once = np.concatenate([voice(seconds=4, gap=(1.2, 1.9)), np.zeros(int(16000 * pause), np.float32)])
    samples = np.tile(once, int(seconds * 16000 / len(once)) + 1)[: int(seconds * 16000)]
    return samples + (1e-4 * np.random.default_rng(0).standard_normal(len(samples))).astype(np.float32)


def embed_whole(encoder, samples, step):
    """Windows of a recording, all of it at once, as Resemblyzer writes it down."""
    gain = 10 ** ((-30 - 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)))) / 20)
    samples = samples * np.float32(max(gain, 1))
    flags = speaker.speech_flags(samples)
    padded = np.concatenate([np.zeros(3), flags, np.zeros(4)])
    average = np.array([padded[start : start + 8].mean() for start in range(len(flags))])
    kept = binary_dilation(np.round(average).astype(bool), np.ones(7))
    trimmed = samples[: len(flags) * 480][np.repeat(kept, 480)]
    starts = speaker.window_starts(len(trimmed), step)
    columns = mel(np.pad(trimmed, (0, max(0, (starts[-1] + 160) * 160 - len(trimmed)))), speaker.GE2E)
    with torch.no_grad():
        return encoder(torch.from_numpy(np.stack([columns[start : start + 160] for start in starts]))).numpy()


@pytest.mark.parametrize("level", [1.0, 0.02])
@pytest.mark.parametrize(("seconds", "step"), [(0.9, 80), (1.6, 77), (12.34567, 80), (65.0, 77)])
def test_blocks_give_the_numbers_of_the_whole(encoder, monkeypatch, seconds, step, level):
    monkeypatch.setattr(speaker, "_KEPT", 1)  # so that the longest is gone through twice
    samples = np.float32(level) * speech(seconds)
    whole = embed_whole(encoder, samples, step)
    rng = np.random.default_rng(1)
    for cuts in ([], [1, 480, 481], np.sort(rng.integers(0, len(samples), 40))):
        pieces = np.split(samples, cuts)
        blocks = list(speaker.embed_stream(encoder, lambda pieces=pieces: iter(pieces), step=step))
        assert np.concatenate([block.embeds for block in blocks]) == pytest.approx(whole, abs=1e-6)
    mean = whole.astype(np.float64).mean(axis=0)
    assert speaker.embed_utterance(encoder, samples, step=step) == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)


def test_windows_know_where_in_the_recording_they_begin(encoder):
    samples = np.concatenate([np.zeros(32000, np.float32), speech(4), np.zeros(48000, np.float32), speech(4)])
    (block,) = speaker.embed_stream(encoder, lambda: [samples], step=80)
    assert block.starts[0] == pytest.approx(2.0, abs=0.35)
    assert (np.diff(block.starts) >= 0.8 - 1e-9).all()
    silent = (block.starts > 6.2) & (block.starts < 8.6)
    assert not silent.any()
    assert block.starts[-1] > 9


def test_memory_does_not_grow_with_the_length():
    """With an encoder that costs no time; recordings too long to be held from the first pass to the second."""

    class Encoder:
        linear = SimpleNamespace(weight=torch.zeros(1))

        def __call__(self, mels):
            return torch.nn.functional.normalize(torch.ones(len(mels), 256), dim=1)

    once = speech(7)[: 7 * 16000]

    def peak(minutes):
        tracemalloc.start()
        windows = speaker.embed_stream(Encoder(), lambda: (once for _ in range(minutes * 60 // 7)), step=80)
        assert sum(len(block.embeds) for block in windows) > 30 * minutes
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    assert peak(36) < 1.1 * peak(18)


def test_too_little_speech_is_told_with_what_it_takes(encoder):
    word = np.concatenate([np.zeros(16000, np.float32), voice(seconds=0.15, gap=(0, 0)), np.zeros(16000, np.float32)])
    with pytest.raises(InputError, match=r"0\.\d\d s of speech .* at least 0\.5 s"):
        speaker.embed_utterance(encoder, word)
    with pytest.raises(InputError, match="at least"):
        speaker.embed_utterance(encoder, voice(seconds=0.4, gap=(0, 0)), trim=False)
    speaker.embed_utterance(encoder, voice(seconds=0.8, gap=(0, 0)))


def test_other_weights_are_refused(encoder, tmp_path):
    torch.save(encoder.state_dict(), tmp_path / "pretrained.pt")
    loaded = speaker.load_encoder(find_weights("ge2e", tmp_path))
    assert torch.equal(loaded.linear.weight, encoder.linear.weight)
    torch.save({"linear.weight": torch.zeros(256, 256)}, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match="speaker encoder"):
        speaker.load_encoder(tmp_path / "other.pt")

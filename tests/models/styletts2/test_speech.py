"""Sentences: what they hang on, how long they are, and what is refused."""

import numpy as np
import pytest
import torch

from tests.audio.voices import voice
from tests.models.styletts2.drawn import MANY_VOICES, ONE_VOICE, small
from tk_tools.errors import InputError, WeightsError
from tk_tools.models.styletts2.options import SpeechOptions
from tk_tools.models.styletts2.reference import reference_style
from tk_tools.models.styletts2.sizes import HOP, SAMPLE_RATE, STEP
from tk_tools.models.styletts2.speech import speak
from tk_tools.models.styletts2.style_encoder import FEWEST_FRAMES
from tk_tools.nets.noise import drawn_noise

TOKENS = (50, 83, 54, 156, 57, 135, 16, 5)


@pytest.fixture(scope="module")
def one():
    return small(ONE_VOICE)


@pytest.fixture(scope="module")
def many():
    return small(MANY_VOICES)


@pytest.fixture(scope="module")
def style(many):
    return reference_style(many, voice(SAMPLE_RATE, seconds=1.2))


def said(model, tokens=TOKENS, seed=0, options=SpeechOptions(), **given):
    return speak(model, tokens, drawn_noise(seed, 0), options, **given)


def test_a_seed_makes_the_same_sound_again(one):
    first, again, other = said(one), said(one), said(one, seed=1)
    assert np.array_equal(first.wave, again.wave)
    assert not np.array_equal(first.wave[:1000], other.wave[:1000])
    assert first.wave.dtype == np.float32


def test_the_length_is_that_of_the_steps(one, many, style):
    for among_others, drawn_out, cut in ((False, 5, 50), (True, 0, 100)):
        spoken = said(one, among_others=among_others)
        assert len(spoken.steps) == len(TOKENS) + 1
        assert spoken.steps.min() >= 1
        assert len(spoken.wave) == STEP * spoken.steps.sum()
        assert spoken.steps[-1] > drawn_out
        spoken = said(many, voice=style, among_others=among_others)
        assert len(spoken.wave) == STEP * spoken.steps.sum() - cut


def test_more_text_takes_longer(one):
    assert len(said(one, TOKENS * 3).wave) > 2 * len(said(one, among_others=True).wave)


def test_shares_of_the_reference(many, style):
    whole = said(many, voice=style, options=SpeechOptions(alpha=0, beta=0))
    assert torch.equal(whole.style, style)
    half = said(many, voice=style, options=SpeechOptions(alpha=0, beta=1))
    size = MANY_VOICES.style
    assert torch.equal(half.style[:, :size], style[:, :size])
    assert not torch.allclose(half.style[:, size:], style[:, size:], atol=1e-3)


def test_the_style_is_carried_on(one):
    before = said(one).style
    kept = said(one, seed=1, options=SpeechOptions(carry=1), before=before)
    assert torch.equal(kept.style, before)
    free = said(one, seed=1)
    mixed = said(one, seed=1, options=SpeechOptions(carry=0.7), before=before)
    torch.testing.assert_close(mixed.style, 0.7 * before + 0.3 * free.style)


def test_steps_and_guidance_matter(one):
    usual = said(one).style
    for options in (SpeechOptions(steps=10), SpeechOptions(guidance=2)):
        assert not torch.allclose(said(one, options=options).style, usual, atol=1e-3)


@pytest.mark.parametrize(
    ("tokens", "what"),
    [
        ((), "nothing to say"),
        ((1,) * 40, "40 tokens, and 39 is the most"),
        ((3, 178), "none of the 178"),
        ((-1,), "none"),
    ],
)
def test_other_tokens_are_refused(one, tokens, what):
    with pytest.raises(InputError, match=what):
        said(one, tokens)


def test_a_reference_where_it_belongs(one, many, style):
    with pytest.raises(InputError, match="in the voice of a reference"):
        said(many)
    with pytest.raises(InputError, match="have one voice"):
        said(one, voice=style)


def test_speech_that_is_not_finite_is_told(one):
    weight = one.bert_encoder.weight
    with torch.no_grad():
        kept = weight.clone()
        weight[0, 0] = float("nan")
    try:
        with pytest.raises(WeightsError, match="not finite"):
            said(one)
    finally:
        with torch.no_grad():
            weight.copy_(kept)


def test_quiet_ends_of_a_reference_are_not_heard(many, monkeypatch):
    heard = []
    monkeypatch.setattr(type(many), "styles", lambda self, mel: heard.append(mel))
    speech = voice(SAMPLE_RATE, seconds=1.2)
    for wave in (speech, np.pad(speech, (2 * SAMPLE_RATE, SAMPLE_RATE))):
        reference_style(many, wave)
    plain, padded = (mel.shape[-1] for mel in heard)
    assert FEWEST_FRAMES <= plain <= 1 + len(speech) // HOP
    assert abs(padded - plain) < 10


@pytest.mark.parametrize(
    ("wave", "what"),
    [
        (np.zeros(48000), "is silent"),
        (np.zeros(0), "is silent"),
        (voice(SAMPLE_RATE, seconds=0.3), r"has 0\.\d\d s of speech, and 0.8 s is the least"),
    ],
)
def test_other_references_are_refused(many, wave, what):
    with pytest.raises(InputError, match=what):
        reference_style(many, wave)

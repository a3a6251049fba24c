"""The mouth that speech makes: closed for m, b, p, wide for open vowels, never early or late."""

import numpy as np
import pytest

from tk_tools.demo.articulation import SHAPES, articulate, phoneme_shapes
from tk_tools.demo.speech import Phoneme, speak

RATE = 16000


def tone(seconds):
    times = np.arange(round(seconds * RATE)) / RATE
    return (8000 * np.sin(2 * np.pi * 150 * times)).astype(np.int16)


def phonemes(*parts):
    """Phonemes from (name, seconds), one after another."""
    edges = np.round(np.cumsum([0, *(seconds for _, seconds in parts)]) * RATE).astype(int)
    return tuple(Phoneme(name, *edges[i : i + 2]) for i, (name, _) in enumerate(parts))


def test_vowel_between_closed_lips():
    mouth = articulate(tone(1.2), RATE, phonemes(("m", 0.4), ("'a", 0.4), ("b", 0.4)), rate=25, count=30)
    assert mouth.opening.dtype == np.float32
    assert mouth.opening.shape == mouth.width.shape == (30,)
    assert np.all(mouth.opening[:9] < 0.02)
    assert np.all(mouth.opening[21:] < 0.02)
    assert np.all(mouth.opening[13:17] > 0.8)


def test_opening_comes_at_the_vowel_to_half_a_frame():
    mouth = articulate(tone(2.0), RATE, phonemes(("_", 1.0), ("A:", 0.2), ("_", 0.8)), rate=100, count=200)
    centre = np.sum(mouth.opening * (np.arange(200) + 0.5)) / np.sum(mouth.opening) / 100
    assert centre == pytest.approx(1.1, abs=0.02)


def test_louder_is_wider():
    samples = tone(2.0)
    samples[RATE:] //= 8
    mouth = articulate(samples, RATE, phonemes(("E", 1.0), ("E", 1.0)), rate=25, count=50)
    assert mouth.opening[12] > 1.3 * mouth.opening[37]


def test_rounded_and_spread():
    mouth = articulate(tone(1.0), RATE, phonemes(("u:", 0.5), ("i:", 0.5)), rate=25, count=25)
    assert mouth.width[6] < -0.7
    assert mouth.width[19] > 0.6


def test_silence_gives_a_closed_mouth():
    mouth = articulate(np.zeros(RATE, np.int16), RATE, phonemes(("_", 1.0)), rate=25, count=25)
    assert not mouth.opening.any()


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("'oU", [SHAPES["o"], SHAPES["U"]]),
        (",aI", [SHAPES["a"], SHAPES["I"]]),
        ("u:", [SHAPES["u"]]),
        ("r-", [SHAPES["r"]]),
        ("tS", [SHAPES["tS"]]),
    ],
)
def test_espeak_letters(name, shapes):
    assert phoneme_shapes(name) == shapes


def test_real_speech_opens_and_closes_the_mouth():
    said = speak("Please move the apple pie before Bob comes back home.")
    count = int(len(said.samples) / said.sample_rate * 25)
    mouth = articulate(said.samples, said.sample_rate, said.phonemes, rate=25, count=count)
    assert mouth.opening.min() < 0.03
    assert mouth.opening.max() > 0.6
    assert mouth.opening.max() <= 1
    assert np.abs(mouth.width).max() <= 1

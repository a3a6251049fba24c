"""A text as speech: pauses, what is carried on, short texts, bounded memory, and what a reference sounds like."""

import tracemalloc

import numpy as np
import pytest
import torch

from tests.audio.voices import voice
from tests.models.styletts2.drawn import ONE_VOICE, small
from tk_tools.errors import InputError
from tk_tools.models.styletts2 import inference
from tk_tools.models.styletts2.inference import FADE, MARGIN, WINDOW, Reading, say_short
from tk_tools.models.styletts2.options import InferOptions
from tk_tools.models.styletts2.reference import sounds_like_speech
from tk_tools.models.styletts2.sizes import SAMPLE_RATE, STEP
from tk_tools.models.styletts2.speech import Spoken
from tk_tools.nets.noise import drawn_noise
from tk_tools.text.ids import phonemes_to_ids

LINE = "ðə kwˈɪk bɹˈaʊn fˈɑːks ."


@pytest.fixture(scope="module")
def model():
    return small(ONE_VOICE)


@pytest.fixture
def told(monkeypatch):
    """What `speak` is called with; each sentence is half a second of a tone between quiet ends that differ."""
    calls = []

    def speak(model, ids, noise, options, voice, before, among_others):
        calls.append((len(ids), before, among_others, float(noise(torch.zeros(1)))))
        tone = 0.5 * np.sin(np.arange(SAMPLE_RATE // 2))
        ends = [1000 * (1 + len(calls) % 5), 700 * (1 + len(calls) % 3)]
        wave = np.concatenate([np.full(ends[0], 1e-4), tone, np.full(ends[1], 1e-4)]).astype(np.float32)
        return Spoken(wave, torch.tensor([[float(len(calls))]]), np.ones(len(ids) + 1, int))

    monkeypatch.setattr(inference, "speak", speak)
    return calls


def read(path, content, model, **options):
    path.write_text(content, encoding="utf-8")
    reading = Reading(path, model, None, InferOptions(**options))
    return list(reading.blocks()), reading


def test_pauses_are_steady_whatever_the_sentences_end_with(tmp_path, told, model):
    blocks, reading = read(tmp_path / "a.phonemes.txt", f"{LINE}\n" * 4, model, pause=0.25)
    wave = np.concatenate(blocks)
    loud = np.flatnonzero(np.abs(wave) > 0.2)
    gaps = np.diff(loud)
    kept = 2 * MARGIN * WINDOW
    (pauses,) = [gaps[gaps > 1000]]
    assert len(pauses) == 3
    assert np.abs(pauses - 0.25 * SAMPLE_RATE - kept).max() <= 2 * WINDOW
    assert loud[0] >= 2000  # the text's own beginning and end stay as they are
    assert len(wave) - loud[-1] >= 1400
    facts = reading.facts()
    assert facts == {"seconds": round(len(wave) / SAMPLE_RATE, 3), "sentences": 4}
    steps = np.abs(np.diff(wave[np.abs(wave) < 0.2]))
    assert steps.max() < 0.5  # nothing clicks where a sentence was cut


def test_the_style_is_carried_on_and_each_sentence_has_noise_of_its_own(tmp_path, told, model):
    read(tmp_path / "a.phonemes.txt", f"{LINE}\n" * 3, model)
    assert [before if before is None else float(before) for _, before, _, _ in told] == [None, 1.0, 2.0]
    assert all(among_others for _, _, among_others, _ in told)
    assert len({noise for *_, noise in told}) == 3
    told.clear()
    blocks, _ = read(tmp_path / "a.phonemes.txt", LINE, model)
    assert [among_others for _, _, among_others, _ in told] == [False]
    assert len(blocks) == 1
    assert len(blocks[0]) == SAMPLE_RATE // 2 + 3400  # alone, a sentence is left as it is


def test_paragraphs_pause_longer(tmp_path, told, model):
    text = "The quick brown fox jumps. The lazy dog sleeps on.\n\nThe quick brown fox sleeps."
    tight = small(ONE_VOICE)
    blocks, _ = read(tmp_path / "a.txt", text, tight, pause=0.1, paragraph_pause=1.5)
    silent = [len(block) / SAMPLE_RATE for block in blocks if not block.any()]
    assert silent == [0.1, 1.5]


def test_memory_does_not_grow_with_the_length(tmp_path, told, model):
    def peak(lines):
        path = tmp_path / "long.phonemes.txt"
        path.write_text(f"{LINE}\n" * lines, encoding="utf-8")
        told.clear()
        tracemalloc.start()
        count = sum(len(block) for block in Reading(path, model, None, InferOptions()).blocks())
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count > 0.5 * lines * SAMPLE_RATE
        return size

    peak(2)
    assert peak(80) < 1.2 * peak(20)


def test_a_word_alone_is_said_as_part_of_more(model):
    for phonemes in ("jˈɛs", "jˈɛs ."):
        spoken = say_short(model, phonemes, drawn_noise(0, 0), InferOptions(), None, None, False)
        once = len(phonemes_to_ids("jˈɛs .").ids)  # with the pad before it
        assert len(spoken.steps) == once
        assert len(spoken.wave) == STEP * spoken.steps.sum()
        assert spoken.wave[-1] == 0
        assert np.abs(spoken.wave[:-FADE]).max() > 0
    heard = []
    say = inference.speak
    inference.speak = lambda model, ids, *rest: heard.append(ids) or say(model, ids, *rest)
    try:
        say_short(model, "jˈɛs .", drawn_noise(0, 0), InferOptions(), None, None, False)
    finally:
        inference.speak = say
    (ids,) = heard
    assert len(ids) >= inference.SHORTEST
    assert ids[: once - 1] == ids[once : 2 * once - 1]


def test_a_line_of_no_known_symbol_does_not_end_what_was_begun(tmp_path, told, model):
    _, reading = read(tmp_path / "a.phonemes.txt", f"{LINE}\n1234567\n{LINE}", model)
    facts = reading.facts()
    assert facts["sentences"] == 2
    assert "line 2, left out" in facts["warning"]
    with pytest.raises(InputError, match="nothing that can be spoken"):
        read(tmp_path / "a.phonemes.txt", "1234567", model)


def test_music_and_noise_are_told_from_speech():
    t = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    chord = sum(np.sin(2 * np.pi * f * t) for f in (220.0, 277.2, 329.6)) * (1 + 0.2 * np.sin(2 * np.pi * 2 * t))
    noise = np.random.default_rng(0).standard_normal(len(t))
    assert not sounds_like_speech(chord.astype(np.float32))
    assert not sounds_like_speech(noise.astype(np.float32))
    assert sounds_like_speech(voice(SAMPLE_RATE, seconds=3))

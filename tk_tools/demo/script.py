"""What one made clip says and how: sentences, voice, pauses; sound from before the first picture to after the last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tk_tools.demo.sentences import make_sentence
from tk_tools.demo.speech import VOICES, Phoneme, Speech, speak

LONGEST_SHIFT = 15  # frames: the range that tk-eval-lse searches
SHORTEST_PAUSE, LONGEST_PAUSE = 0.10, 0.35  # s, between sentences: a long pause looks the same however it is shifted


@dataclass(frozen=True)
class Script:
    """speech: the clip's, and `margin` samples more at each end; spoken: (text, first sample) of each sentence."""

    speech: Speech
    margin: int
    voice: str
    spoken: tuple[tuple[str, int], ...]


def write_script(random: np.random.Generator, *, seconds: float, margin_seconds: float) -> Script:
    """Draw sentences with `random` and speak them until they fill `seconds` and the margins."""
    voice = VOICES[random.integers(len(VOICES))]
    base_rate, base_pitch = random.integers(130, 190), random.integers(30, 70)
    parts: list[np.ndarray] = []
    phonemes: list[Phoneme] = []
    spoken: list[tuple[str, int]] = []
    at, wanted, sample_rate = 0, None, None
    while wanted is None or at < wanted:
        text = make_sentence(random)
        said = trim(
            speak(
                text,
                voice=voice,
                rate=int(base_rate + random.integers(-15, 16)),
                pitch=int(base_pitch + random.integers(-8, 9)),
                pitch_range=int(random.integers(30, 80)),
            )
        )
        if wanted is None:
            sample_rate = said.sample_rate
            wanted = round((seconds + 2 * margin_seconds) * sample_rate)
        pause = round(random.uniform(SHORTEST_PAUSE, LONGEST_PAUSE) * sample_rate)
        spoken.append((text, at))
        phonemes += [Phoneme(one.name, one.start + at, one.stop + at) for one in said.phonemes]
        at += len(said.samples)
        phonemes.append(Phoneme("_", at, at + pause))
        at += pause
        parts += [said.samples, np.zeros(pause, np.int16)]
    speech = Speech(
        samples=np.concatenate(parts)[:wanted],
        sample_rate=sample_rate,
        phonemes=tuple(Phoneme(one.name, one.start, min(one.stop, wanted)) for one in phonemes if one.start < wanted),
    )
    return Script(
        speech=speech,
        margin=round(margin_seconds * sample_rate),
        voice=voice,
        spoken=tuple((text, start) for text, start in spoken if start < wanted),
    )


def trim(speech: Speech) -> Speech:
    """The speech without the pauses that espeak-ng puts before and after a sentence."""
    sounding = [one for one in speech.phonemes if one.name != "_"]
    start, stop = sounding[0].start, sounding[-1].stop
    inside = [one for one in speech.phonemes if one.start >= start and one.stop <= stop]
    return Speech(
        samples=speech.samples[start:stop],
        sample_rate=speech.sample_rate,
        phonemes=tuple(Phoneme(one.name, one.start - start, one.stop - start) for one in inside),
    )

"""One made recording: SPEAKER_NUMBER.wav, and beside it what it says, in .txt and .TextGrid.

The same options give the same bytes. A speaker is drawn with the seed and its number alone: a timbre of espeak-ng, with
a size, a pitch and a pace of its own.
"""

from __future__ import annotations

import dataclasses
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import soxr

from tk_tools.demo.script import trim
from tk_tools.demo.sentences import make_sentence
from tk_tools.demo.speech import VOICES, Phoneme, Speech, speak, synthesiser
from tk_tools.errors import InputError
from tk_tools.files.atomic import atomic_path
from tk_tools.files.made_from import read_provenance
from tk_tools.files.provenance import Provenance, Source
from tk_tools.files.textgrid import SUFFIX, Phones, write_phones
from tk_tools.files.wav import write_wav

PAUSE = 0.15  # seconds before and behind the sentence
SIZES = 1.28  # the largest speaker's throat is so many times the usual one, the smallest's as many times shorter
GOLDEN_RATIO = (5**0.5 - 1) / 2  # by whose multiples numbers spread evenly, neighbours far from one another
_STRESS = ",'%=~"


@dataclass(frozen=True)
class RecordingOptions:
    """seed and speaker draw the voice, index the sentence and how it is said."""

    seed: int
    speaker: int
    index: int


def recording_path(folder: Path, options: RecordingOptions) -> Path:
    """FOLDER/SPEAKER/SPEAKER_NUMBER.wav."""
    speaker = f"voice{options.seed}{chr(ord('a') + options.speaker % 26)}{options.speaker // 26 or ''}"
    return folder / speaker / f"{speaker}_{options.index:03d}.wav"


def textgrid_path(recording: Path) -> Path:
    """Where the phones of NAME.wav lie: NAME.TextGrid."""
    return recording.with_suffix(SUFFIX)


def make_recording_once(target: Path, options: RecordingOptions, force: bool = False) -> str:
    """Make the recording unless it and its TextGrid are there, made with these options: "done" or "current".

    InputError: a file of that name is there that is not of these tools. MissingPackage: espeakng-loader.
    """
    made = Provenance(
        dataclasses.asdict(options) | {"synthesiser": synthesiser()}, Source(name=synthesiser(), digest="made")
    )
    words, grid = target.with_suffix(".txt"), textgrid_path(target)
    if not force and read_provenance(target) == made == read_provenance(grid) and words.exists():
        return "current"
    for path in (target, grid, words) if not force else ():
        ours = read_provenance(target if path == words else path) is not None  # the words go with their recording
        if path.exists() and not ours:
            raise InputError("is there already and not made by these tools; move it, or --force", path=path)
    text, speech = _speak(options)
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(words) as temporary:
        temporary.write_text(f"{text}\n", encoding="utf-8")
    write_phones(grid, _phones(speech), made)
    write_wav(target, [speech.samples], speech.sample_rate, comment=made.comment(synthetic=True))
    return "done"


def _speak(options: RecordingOptions) -> tuple[str, Speech]:
    voice = np.random.default_rng([options.seed, options.speaker])
    # Neighbouring speakers differ in timbre, whatever the seed.
    timbre = VOICES[(int(voice.integers(len(VOICES))) + 3 * options.speaker) % len(VOICES)]
    place = (np.random.default_rng(options.seed).random() + options.speaker * GOLDEN_RATIO) % 1
    size = SIZES ** (2 * place - 1)
    pace, pitch = int(voice.integers(135, 185)), int(voice.integers(15, 86))
    random = np.random.default_rng([options.seed, options.speaker, options.index])
    text = make_sentence(random)
    said = trim(
        speak(
            text,
            voice=timbre,
            rate=round((pace + int(random.integers(-10, 11))) * size),
            pitch=pitch + int(random.integers(-5, 6)),
            pitch_range=int(random.integers(30, 70)),
        )
    )
    return text, _with_pauses(_sized(said, size))


def _sized(speech: Speech, size: float) -> Speech:
    """The speech of a speaker `size` times as large: all that sounds is as many times lower, and slower."""
    samples = soxr.resample(speech.samples / np.float32(32768), speech.sample_rate, size * speech.sample_rate)
    samples = np.rint(np.clip(samples, -1, 32767 / 32768) * 32768).astype(np.int16)
    marks = (Phoneme(one.name, round(one.start * size), round(one.stop * size)) for one in speech.phonemes)
    kept = tuple(Phoneme(name, start, min(stop, len(samples))) for name, start, stop in map(astuple, marks))
    return Speech(samples, speech.sample_rate, kept)


def _with_pauses(speech: Speech) -> Speech:
    pause = round(PAUSE * speech.sample_rate)
    silence = np.zeros(pause, np.int16)
    end = pause + len(speech.samples)
    phonemes = (
        Phoneme("_", 0, pause),
        *(Phoneme(one.name, one.start + pause, one.stop + pause) for one in speech.phonemes),
        Phoneme("_", end, end + pause),
    )
    return Speech(np.concatenate([silence, speech.samples, silence]), speech.sample_rate, phonemes)


def _phones(speech: Speech) -> Phones:
    """Its phonemes without stress marks; pauses have no label, as in the files of forced aligners."""
    edges = [(one.start / speech.sample_rate, one.stop / speech.sample_rate) for one in speech.phonemes]
    names = ("" if one.name == "_" else one.name.translate(dict.fromkeys(map(ord, _STRESS))) for one in speech.phonemes)
    return Phones(tuple(names), np.array(edges), seconds=len(speech.samples) / speech.sample_rate)

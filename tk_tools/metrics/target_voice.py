"""Made speech against recordings of the voice that it is to have, whatever they say: how much it is that voice.

What voice conversion and cloning are measured by: no recording of the same words is needed.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tk_tools.audio import speaker
from tk_tools.errors import InputError
from tk_tools.files.digest import file_digest
from tk_tools.files.find import find_files, stem_of
from tk_tools.metrics.speech_pair import (
    MEASURES,
    SPEECH_RATE,
    SUFFIXES,
    TOOL_VERSION,
    SpeechOptions,
    load_ge2e,
    read_sound,
    rounded,
    spoken_words,
)
from tk_tools.weights.find import find_weights


@dataclass(frozen=True)
class Voice:
    """The recordings of one voice."""

    place: Path
    recordings: tuple[Path, ...]


def find_voice(place: Path) -> Voice:
    """The recordings that a file or a folder holds. InputError: none."""
    return Voice(place, tuple(found.path for found in find_files(place, SUFFIXES)))


def measure_voice(made: Path, *, voice: Voice, options: SpeechOptions) -> dict[str, Any]:
    """MEASURES of a made file: speaker, the cosine of its GE2E embedding and the voice's (the mean of its recordings'
    embeddings at unit length), and wer and cer where transcripts are given; None for the others.

    InputError: not readable, silent, too short, without speech, or one of the recordings.
    """
    if not made.exists():
        raise InputError("does not exist", path=made)
    if any(made.samefile(recording) for recording in voice.recordings):
        raise InputError("is one of the recordings that it is compared with", path=made)
    sound = read_sound(made)
    values: dict[str, float | None] = dict.fromkeys(MEASURES)
    facts: dict[str, Any] = {"seconds": sound.seconds}
    left_out: dict[str, str] = {}
    protocol: dict[str, Any] = {"compared_with": f"a voice, {len(voice.recordings)} recordings"}
    if "speaker" not in options.absent:
        weights = find_weights("ge2e", options.weights_dir)
        protocol["speaker_weights"] = file_digest(weights)
        embedding = speaker.embed_utterance(load_ge2e(options), sound.at(SPEECH_RATE))
        values["speaker"] = float(embedding @ _embedding(voice, options))
    if options.transcripts is not None and "wer" not in options.absent:
        protocol["recogniser"] = options.recogniser
        try:
            values |= spoken_words(sound, stem_of(made, SUFFIXES), options, facts)
        except InputError as error:
            left_out = dict.fromkeys(("wer", "cer"), error.message)
    told = {"tool": TOOL_VERSION, "protocol": protocol, "reference": str(voice.place), "left_out": left_out}
    return rounded(values) | facts | told


@functools.lru_cache(maxsize=4)
def _embedding(voice: Voice, options: SpeechOptions) -> np.ndarray:
    """(256,), unit length. InputError: a recording is of no use."""
    sounds = []
    for path in voice.recordings:
        try:
            sounds.append(read_sound(path).at(SPEECH_RATE))
        except InputError as error:
            raise InputError(f"of the voice it is compared with: {error.message}", path=path) from error
    return speaker.embed_speaker(load_ge2e(options), sounds)

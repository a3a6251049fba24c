"""Made speech against recordings of the voice that it is to have, whatever they say: how much it is that voice.

What voice conversion and cloning are measured by: no recording of the same words is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tk_tools.audio import speaker
from tk_tools.audio.recordings import embed_recordings
from tk_tools.audio.speaker_presets import STEPS
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
class TargetVoice:
    """The recordings of the voice that is wanted. embedding: theirs, (256,) as a tuple, None where speaker is not
    measured; left_out: recordings that could not be taken, and why."""

    place: Path
    recordings: tuple[Path, ...]
    embedding: tuple[float, ...] | None
    left_out: tuple[tuple[Path, str], ...] = ()


def find_voice(place: Path, options: SpeechOptions) -> TargetVoice:
    """The voice of the recordings that a file or a folder holds. InputError: there are none, or none is of use."""
    paths = tuple(found.path for found in find_files(place, SUFFIXES))
    if "speaker" in options.absent:
        return TargetVoice(place, paths, None)
    found = embed_recordings(load_ge2e(options), paths, STEPS["resemblyzer"])
    try:
        embedding = tuple(found.voice.tolist())
    except InputError as error:
        raise InputError(f"cannot be the voice to compare with: {error.message}", path=error.path) from error
    return TargetVoice(place, tuple(found.embeds), embedding, tuple(found.left_out.items()))


def measure_voice(made: Path, *, voice: TargetVoice, options: SpeechOptions) -> dict[str, Any]:
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
    if voice.embedding is not None:
        weights = find_weights("ge2e", options.weights_dir)
        protocol["speaker_weights"] = file_digest(weights)
        embedding = speaker.embed_utterance(load_ge2e(options), sound.at(SPEECH_RATE))
        values["speaker"] = float(embedding @ np.array(voice.embedding, np.float32))
    if options.transcripts is not None and "wer" not in options.absent:
        protocol["recogniser"] = options.recogniser
        try:
            values |= spoken_words(sound, stem_of(made, SUFFIXES), options, facts)
        except InputError as error:
            left_out = dict.fromkeys(("wer", "cer"), error.message)
    told = {"tool": TOOL_VERSION, "protocol": protocol, "reference": str(voice.place), "left_out": left_out}
    return rounded(values) | facts | told

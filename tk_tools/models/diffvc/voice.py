"""The target's voice as the decoder is told it: a speaker embedding and reference mels, from recordings of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tk_tools.audio.mel import mel_blocks
from tk_tools.audio.mel_presets import DIFFVC
from tk_tools.audio.speaker import SAMPLE_RATE, average, embed_stream
from tk_tools.audio.speaker_presets import STEPS
from tk_tools.errors import InputError
from tk_tools.files.soundtrack import read_audio_blocks
from tk_tools.models.diffvc.options import LONGEST_REFERENCE
from tk_tools.nets.speaker_encoder import SpeakerEncoder

_LONGEST = round(LONGEST_REFERENCE * DIFFVC.columns_per_second)  # frames


@dataclass(frozen=True)
class Voice:
    """embedding (256,) float32, unit length; references: log-mels (R, 80) of the front end `diffvc`, LONGEST_REFERENCE
    seconds in all at the most; seconds: of all the recordings."""

    embedding: np.ndarray
    references: tuple[np.ndarray, ...]
    seconds: float

    @property
    def reference_seconds(self) -> float:
        """Seconds of the references."""
        return float(sum(map(len, self.references)) / DIFFVC.columns_per_second)


def read_voice(recordings: Sequence[Path], encoder: SpeakerEncoder) -> Voice:
    """The voice of recordings of one speaker: the mean of their embeddings, and as references their first seconds.

    Of each recording, however long, no more is held than that. InputError: one cannot be read, is silent, or holds too
    little speech.
    """
    embeddings, references, samples, left = [], [], 0, _LONGEST
    for path in recordings:
        embedding, count = _embed(path, encoder)
        embeddings.append(embedding[None])
        samples += count
        if left > 0:
            references.append(_first_frames(path, left))
            left -= len(references[-1])
    return Voice(average(embeddings), tuple(references), seconds=samples / SAMPLE_RATE)


def _embed(path: Path, encoder: SpeakerEncoder) -> tuple[np.ndarray, int]:
    """The embedding of a recording, and how many samples it has at 16 kHz."""
    count = 0

    def waveform() -> Iterator[np.ndarray]:
        nonlocal count
        count = 0
        for block in read_audio_blocks(path, rate=SAMPLE_RATE, align=True):
            count += len(block)
            yield block

    try:
        windows = embed_stream(encoder, waveform, step=STEPS["diffvc"])
        return average(each.embeds for each in windows), count
    except InputError as error:
        raise InputError(f"cannot be the target: {error.message}", path=path) from error


def _first_frames(path: Path, most: int) -> np.ndarray:
    """The mel of a recording, of its first `most` frames where it has more."""
    blocks, count = [], 0
    for block in mel_blocks(read_audio_blocks(path, rate=DIFFVC.sample_rate, align=True), DIFFVC):
        blocks.append(block)
        count += len(block)
        if count >= most:
            break
    return np.concatenate(blocks)[:most]

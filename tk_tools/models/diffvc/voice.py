"""The target's voice as the decoder is told it: a speaker embedding and reference mels, from recordings of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tk_tools.audio.mel import mel_blocks
from tk_tools.audio.mel_presets import DIFFVC
from tk_tools.audio.recordings import embed_recordings
from tk_tools.audio.speaker_presets import STEPS
from tk_tools.errors import InputError
from tk_tools.files.soundtrack import read_audio_blocks
from tk_tools.models.diffvc.options import LONGEST_REFERENCE
from tk_tools.nets.speaker_encoder import SpeakerEncoder

_LONGEST = round(LONGEST_REFERENCE * DIFFVC.columns_per_second)  # frames


@dataclass(frozen=True)
class Voice:
    """embedding (256,) float32, unit length; references: log-mels (R, 80) of the front end `diffvc`, LONGEST_REFERENCE
    seconds in all at the most; seconds: of all the recordings; left_out: those that could not be taken, and why."""

    embedding: np.ndarray
    references: tuple[np.ndarray, ...]
    seconds: float
    left_out: Mapping[Path, str] = field(default_factory=dict)

    @property
    def reference_seconds(self) -> float:
        """Seconds of the references."""
        return float(sum(map(len, self.references)) / DIFFVC.columns_per_second)


def read_voice(paths: Sequence[Path], encoder: SpeakerEncoder) -> Voice:
    """The voice of recordings of one speaker: the mean of their embeddings, and as references their first seconds.

    Of each recording, however long, no more is held than that; those that cannot be read, are silent, or hold too
    little speech are left out. InputError: all of them are.
    """
    recordings = embed_recordings(encoder, paths, STEPS["diffvc"])
    try:
        embedding = recordings.voice
    except InputError as error:
        raise InputError(f"cannot be the target: {error.message}", path=error.path) from error
    references, left = [], _LONGEST
    for path in recordings.embeds:
        if left > 0:
            references.append(_first_frames(path, left))
            left -= len(references[-1])
    return Voice(embedding, tuple(references), recordings.seconds, recordings.left_out)


def _first_frames(path: Path, most: int) -> np.ndarray:
    """The mel of a recording, of its first `most` frames where it has more."""
    blocks, count = [], 0
    for block in mel_blocks(read_audio_blocks(path, rate=DIFFVC.sample_rate, align=True), DIFFVC):
        blocks.append(block)
        count += len(block)
        if count >= most:
            break
    return np.concatenate(blocks)[:most]

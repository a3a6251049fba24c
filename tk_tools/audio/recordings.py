"""The speaker embeddings of several recordings of one voice; what is of no use is named, and the others count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tk_tools.audio.faults import Faults
from tk_tools.audio.speaker import SAMPLE_RATE, Windows, average, embed_stream
from tk_tools.errors import InputError
from tk_tools.files.soundtrack import read_audio_blocks

if TYPE_CHECKING:
    from tk_tools.nets.speaker_encoder import SpeakerEncoder


@dataclass
class Recordings:
    """embeds: (256,) float32 at unit length by recording; left_out: why by recording; seconds of those embedded."""

    embeds: dict[Path, np.ndarray] = field(default_factory=dict)
    left_out: dict[Path, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def voice(self) -> np.ndarray:
        """The embedding of the voice, (256,) float32: the mean of theirs, at unit length. InputError: there is none,
        and why the first was left out."""
        if not self.embeds:
            path, why = next(iter(self.left_out.items()))
            raise InputError(why, path=path)
        return average(embed[None] for embed in self.embeds.values())


def embed_recordings(encoder: SpeakerEncoder, paths: Iterable[Path], step: int) -> Recordings:
    """Embed each recording, in blocks. step: frames from window to window (speaker_presets.STEPS)."""
    found = Recordings()
    for path in paths:
        heard = _Heard(path)
        try:
            found.embeds[path] = average(windows.embeds for windows in embed_stream(encoder, heard.blocks, step=step))
            found.seconds += heard.samples / SAMPLE_RATE
        except InputError as error:
            found.left_out[path] = error.message
    return found


def embed_file(encoder: SpeakerEncoder, path: Path, step: int, faults: Faults) -> Iterator[Windows]:
    """The windows of one recording, to which `faults` listens. InputError: it is of no use."""
    return embed_stream(encoder, lambda: faults.listen(_Heard(path).blocks()), step=step)


class _Heard:
    """A recording at 16 kHz, and how many samples of it were read in the last pass."""

    def __init__(self, path: Path):
        self._path = path
        self.samples = 0

    def blocks(self) -> Iterator[np.ndarray]:
        self.samples = 0
        for block in read_audio_blocks(self._path, rate=SAMPLE_RATE, align=True):
            self.samples += len(block)
            yield block

"""The sound of a clip as recognisers hear it: one channel at 16 kHz from its first picture on, in pieces.

Of a sound, a video, a NAME.frames.h5 or a NAME.face.h5. It is resampled as the published features were
(kaiser_resample), for training and inference alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tk_tools.audio.faults import Faults
from tk_tools.audio.feature_model import FRAME_SAMPLES, SAMPLE_RATE
from tk_tools.audio.kaiser_resample import kaiser_resampled
from tk_tools.errors import InputError
from tk_tools.files.coded import CodedFrames
from tk_tools.files.face_file import FACE
from tk_tools.files.frames_file import FRAMES
from tk_tools.files.h5 import Kind, open_h5, read_rows
from tk_tools.files.media import probe, stream_seconds
from tk_tools.files.rates import FRAME_RATE
from tk_tools.files.soundtrack import audio_rate, read_audio_blocks

STORED = {kind.suffix: kind for kind in (FRAMES, FACE)}
_BLOCK = 1 << 20  # samples that are read from HDF5 at once


class ClipSpeech:
    """frames: at 25/s that its pictures last, None of a sound alone. InputError: it cannot be read, or has no sound."""

    def __init__(self, path: Path):
        self._path = Path(path)
        self._stored = next((kind for suffix, kind in STORED.items() if self._path.name.lower().endswith(suffix)), None)
        self._faults = None if self._stored else Faults(self._path, highest=SAMPLE_RATE / 2)
        self._samples, self._loudest = 0, 0.0
        self.frames = _stored_frames(self._path, self._stored) if self._stored else _frames(self._path)

    def pieces(self) -> Iterator[np.ndarray]:
        """The waveform, (n,) float64 in [-1, 1] at 16 kHz, from its start to its end."""
        self._samples, self._loudest = 0, 0.0
        for piece in self._at_16k():
            self._samples += len(piece)
            self._loudest = max(self._loudest, float(np.abs(piece).max(initial=0)))
            yield piece

    def _at_16k(self) -> Iterator[np.ndarray]:
        if self._stored is None:
            blocks = self._faults.listen(read_audio_blocks(self._path, align=True))
            yield from kaiser_resampled(blocks, audio_rate(self._path), SAMPLE_RATE)
            return
        with open_h5(self._path, self._stored) as file:
            samples = file["audio/samples"]
            starts = range(0, samples.shape[0], _BLOCK)
            blocks = (read_rows(samples, start, start + _BLOCK) / 32768.0 for start in starts)
            yield from kaiser_resampled(blocks, int(samples.attrs["sample_rate"]), SAMPLE_RATE)

    def remarks(self) -> list[str]:
        """What is to be told of the sound when all of it has gone by."""
        found = []
        if self._loudest == 0:
            found.append("its sound is silent")
        if self.frames is not None and abs(beyond := self._samples - self.frames * FRAME_SAMPLES) > FRAME_SAMPLES:
            seconds = abs(beyond) / SAMPLE_RATE
            more = "longer than its pictures: cut" if beyond > 0 else "shorter than its pictures: the last row goes on"
            found.append(f"its sound is {seconds:.2f} s {more}")
        return found + list((self._faults.in_words() if self._faults else {}).values())


def _frames(path: Path) -> int | None:
    return max(1, round(stream_seconds(path, "video") * FRAME_RATE)) if _has_pictures(path) else None


def _has_pictures(path: Path) -> bool:
    info = probe(path)
    return info.has_video and not info.is_still


def _stored_frames(path: Path, kind: Kind) -> int:
    with open_h5(path, kind) as file:
        if "audio/samples" not in file:
            raise InputError("has no sound", path=path)
        frames = CodedFrames(file)
        if not len(frames):
            raise InputError("holds no picture", path=path)
        return max(1, round(len(frames) * FRAME_RATE / frames.fps))

"""NAME.frames.h5: all pictures of a video, coded, with its sound."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np

from tk_tools.files.coded import VIDEO_DATASETS, CodedFrames, CodedWriter
from tk_tools.files.h5 import Kind, create_h5, open_h5
from tk_tools.files.provenance import Provenance
from tk_tools.files.sound import AUDIO_DATASETS, Audio, read_stored_audio, write_audio
from tk_tools.files.soundtrack import clip_samples, read_clip_audio

FRAMES = Kind(
    name="frames",
    suffix=".frames.h5",
    schema=1,
    made_by="tk-extract-frames",
    meaning="the pictures of a video on a constant clock, and its sound",
    datasets=VIDEO_DATASETS | AUDIO_DATASETS,
)


class FramesFile:
    """Read a NAME.frames.h5: `frames` (CodedFrames), `audio` (Audio or None). Close it, or use as a context manager."""

    def __init__(self, path: Path):
        self.path = Path(path)
        self._file = open_h5(path, FRAMES)
        self.frames = CodedFrames(self._file)

    @property
    def audio(self) -> Audio | None:
        """The sound, read anew each time: (samples,) int16 and its rate in Hz; None without one."""
        return read_stored_audio(self._file)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> FramesFile:
        return self

    def __exit__(self, *error) -> None:
        self.close()


def write_frames_file(
    target: Path,
    pictures: Iterable[np.ndarray],
    *,
    fps: Fraction,
    codec: str,
    quality: int,
    sound: Path | None,
    sample_rate: int,
    made: Provenance,
) -> int:
    """Write pictures, and the sound of the file `sound` beside them, and return the number of pictures."""
    with create_h5(target, FRAMES, made) as file:
        writer = CodedWriter(file, fps=fps, codec=codec, quality=quality)
        for picture in pictures:
            writer.append(picture)
        writer.close()
        if sound is not None:
            samples = clip_samples(len(writer), fps, sample_rate)
            write_audio(file, read_clip_audio(sound, rate=sample_rate, samples=samples), sample_rate)
        return len(writer)

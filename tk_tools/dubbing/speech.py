"""What each picture of a dubbed face hears: rows of speech features around its time, at any frame rate."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np

from tk_tools.audio.clip_speech import ClipSpeech
from tk_tools.audio.feature_model import SAMPLE_RATE
from tk_tools.audio.feature_windows import feature_windows
from tk_tools.audio.speech_features import open_files
from tk_tools.errors import InputError
from tk_tools.files.digest import file_digest, stamp
from tk_tools.files.feature_file import FEATURES, Features, read_feature_file
from tk_tools.files.made_from import read_provenance
from tk_tools.files.rates import FRAME_RATE

LENGTH_SLACK = 5  # rows: where a video's sound and its pictures end differs by so much


@dataclass(frozen=True)
class Heard:
    """features: of the speech; seconds: its exact length; silent: whether it is nothing but zeros."""

    features: Features
    seconds: Fraction
    silent: bool

    def pictures(self, fps: Fraction) -> int:
        """How many pictures begin before its end."""
        return math.ceil(self.seconds * fps)

    def windows(self, fps: Fraction) -> Iterator[np.ndarray]:
        """(channels, 5) float32 for each picture: the row of its time and two on either side."""
        windows = feature_windows(self.features.values)
        for picture in range(self.pictures(fps)):
            row = int(picture * self.features.rate / fps)
            yield np.ascontiguousarray(windows[min(row, len(windows) - 1)])


def hear(speech: Path, files: tuple[Path, ...], model: str, device: str, heard_of: tuple[Path, ...]) -> Heard:
    """Listen to a sound, or take what tk-feat heard of it.

    files: those of the feature model (speech_features.feature_files), or one NAME.feat.h5, made of one of `heard_of`.
    Memory holds the features, 100 rows of 29 in 4 s. InputError: no sound, or features of another one.
    """
    if not files or not files[0].name.endswith(FEATURES.suffix):
        return _listened(stamp(speech), tuple(map(stamp, files)), model, device)
    clip = _Counted(speech)
    for _ in clip.pieces():
        pass
    return Heard(_stored(files[0], heard_of, clip.seconds), clip.seconds, clip.silent)


@lru_cache(maxsize=1)
def _listened(speech: tuple[Path, int], files: tuple[tuple[Path, int], ...], model: str, device: str) -> Heard:
    """What one speech sounds like is the same for all faces that say it; files with the times they were changed."""
    clip = _Counted(speech[0])
    listener = open_files(model, tuple(path for path, _ in files), device)
    return Heard(Features(listener.features_of(clip.pieces()), model), clip.seconds, clip.silent)


class _Counted:
    """The pieces of a sound; their length and loudness when all have gone by."""

    def __init__(self, path: Path):
        self._clip = ClipSpeech(path)
        self._samples, self.silent = 0, True

    @property
    def seconds(self) -> Fraction:
        return Fraction(self._samples, SAMPLE_RATE)

    def pieces(self) -> Iterator[np.ndarray]:
        for piece in self._clip.pieces():
            self._samples += len(piece)
            self.silent = self.silent and not piece.any()
            yield piece


def _stored(path: Path, heard_of: tuple[Path, ...], seconds: Fraction) -> Features:
    features = read_feature_file(path)
    made = read_provenance(path)
    if made is not None and made.source.first.digest not in map(file_digest, heard_of):
        raise InputError(f"was made from another sound than {heard_of[0]}; make it with tk-feat again", path=path)
    needed = math.ceil(seconds * features.rate)
    if abs(len(features.values) - needed) > LENGTH_SLACK:
        raise InputError(
            f"has {len(features.values)} rows, and {heard_of[0]} lasts {float(seconds):.2f} s ({needed} rows); make it"
            " with tk-feat again, of the sound alone",
            path=path,
        )
    if features.rate != FRAME_RATE:
        raise InputError(f"has {features.rate} rows a second, {FRAME_RATE} are needed; make it again", path=path)
    return features

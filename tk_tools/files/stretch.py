"""A stretch of a sound at any rate, read without what lies before it where the file allows: for training, which draws
short segments of long recordings.

soundtrack.py reads whole sounds of all kinds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tk_tools.errors import InputError
from tk_tools.files.resample import resampled
from tk_tools.files.soundtrack import audio_rate, read_audio, read_audio_blocks

LOSSLESS = (".wav", ".flac", ".aiff", ".aif", ".w64", ".caf")  # of these a sample is found without decoding others
_NEARLY = 0.9999  # of the peak: 16-bit sound reaches less far above zero than below
_MARGIN = 0.05  # seconds on both sides, more than the resampler hears


@dataclass(frozen=True)
class Sound:
    """What is known of a file's sound: rate in Hz, samples at that rate, the largest magnitude among them (1: full
    scale), how many are that large, and whether stretches can be read by themselves."""

    path: Path
    rate: int
    samples: int
    peak: float
    at_peak: int
    seekable: bool

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.samples / self.rate

    def length(self, rate: int) -> int:
        """Samples at another rate."""
        return self.samples * rate // self.rate


def look_at(path: Path) -> Sound:
    """Decode a sound once, in blocks. InputError as of read_audio_blocks."""
    path = Path(path)
    samples, peak, at_peak = 0, 0.0, 0
    for block in read_audio_blocks(path):
        samples += len(block)
        magnitudes = np.abs(block)
        highest = float(magnitudes.max(initial=0.0))
        if highest > peak:
            at_peak = at_peak if peak >= _NEARLY * highest else 0
            peak = highest
        at_peak += int((magnitudes >= _NEARLY * peak).sum())
    return Sound(path, audio_rate(path), samples, peak, at_peak, seekable=_is_seekable(path, samples))


def _is_seekable(path: Path, samples: int) -> bool:
    import soundfile

    if not path.name.lower().endswith(LOSSLESS):
        return False
    try:
        info = soundfile.info(str(path))
    except soundfile.LibsndfileError:  # a kind of wav that this library does not know
        return False
    plain = info.subtype.startswith(("PCM_", "FLOAT"))
    return plain and info.frames == samples and info.channels <= 2  # how more are mixed into one, soundtrack.py knows


def read_at(sound: Sound, start: int, stop: int, rate: int, whole: np.ndarray | None = None) -> np.ndarray:
    """Samples start to stop - 1 of the sound at `rate`: float32 mono, as many as there are.

    whole: the sound at its own rate (see read_whole), if it is at hand. The numbers are the same with it and without;
    those of the whole sound resampled they are to within rounding. InputError: the file went or changed meanwhile.
    """
    common = math.gcd(sound.rate, rate)
    grid_in, grid_out = sound.rate // common, rate // common  # this many samples take equally long
    if grid_in == grid_out:
        return _read(sound, start, stop, whole)
    margin = math.ceil(_MARGIN * common)
    first = max(0, start // grid_out - margin)
    last = -(-stop // grid_out) + margin
    piece = _read(sound, first * grid_in, min(last * grid_in, sound.samples), whole)
    made = np.concatenate(list(resampled([piece], sound.rate, rate)))
    return made[start - first * grid_out : stop - first * grid_out]


def read_whole(sound: Sound) -> np.ndarray:
    """The sound at its own rate, (samples,) float32."""
    return read_audio(sound.path)


def _read(sound: Sound, start: int, stop: int, whole: np.ndarray | None) -> np.ndarray:
    if whole is not None:
        piece = whole[start:stop]
    else:
        piece = _seek(sound, start, stop) if sound.seekable else _decode(sound, start, stop)
    if len(piece) < min(stop, sound.samples) - start:
        raise InputError("is shorter than it was when the work began", path=sound.path)
    return piece


def _seek(sound: Sound, start: int, stop: int) -> np.ndarray:
    import soundfile

    try:
        with soundfile.SoundFile(str(sound.path)) as file:
            file.seek(min(start, file.frames))
            channels = file.read(stop - start, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise InputError(f"cannot be read: {error}", path=sound.path) from error
    if channels.shape[1] == 1:
        return channels[:, 0]
    return channels @ np.full(channels.shape[1], 1 / channels.shape[1], np.float32)


def _decode(sound: Sound, start: int, stop: int) -> np.ndarray:
    """The stretch of a sound that has to be decoded from its beginning on."""
    pieces, place = [np.zeros(0, np.float32)], 0
    for block in read_audio_blocks(sound.path):
        if place + len(block) > start:
            pieces.append(block[max(0, start - place) : stop - place])
        place += len(block)
        if place >= stop:
            break
    return np.concatenate(pieces)

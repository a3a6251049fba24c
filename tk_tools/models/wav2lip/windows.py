"""The sound that each made picture hears: 16 mel columns (0.2 s) from its time on, at any frame rate, as a stream.

Two ways to end: as the original does, or by hearing silence behind the speech, so that pictures last as long as it.
Source: main of inference.py, Rudrabha/Wav2Lip.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from tk_tools.audio.mel import mel_blocks
from tk_tools.audio.mel_presets import WAV2LIP
from tk_tools.dubbing.film import follows_pictures
from tk_tools.files.soundtrack import audio_rate, read_audio_blocks
from tk_tools.nets.sync_expert import MEL_COLUMNS

SILENCE = 0.25  # seconds behind the speech: the last picture's window of 0.2 s and the margin of the spectrum


def start_column(picture: int, fps: Fraction) -> int:
    """The first mel column that a picture hears; in floating point like the original, which decides some roundings."""
    return int(picture * (float(WAV2LIP.columns_per_second) / float(fps)))


def mel_windows(blocks: Iterable[np.ndarray], fps: Fraction) -> Iterator[tuple[int, np.ndarray]]:
    """The original's windows over a mel that comes in blocks of (columns, 80).

    Gives (first column, (1, 80, 16) float32) for each picture: all whole windows, then one with the last 16 columns.
    """
    held, first, picture = np.zeros((0, WAV2LIP.n_mels), np.float32), 0, 0
    for block in blocks:
        held = np.concatenate([held, block])
        while (start := start_column(picture, fps)) + MEL_COLUMNS <= first + len(held):
            yield start, _window(held, start - first)
            picture += 1
        done = min(start - first, len(held) - MEL_COLUMNS)  # the last 16 columns may be needed once more
        if done > 0:
            held, first = held[done:], first + done
    if len(held) >= MEL_COLUMNS:
        yield first + len(held) - MEL_COLUMNS, _window(held, len(held) - MEL_COLUMNS)


def _window(held: np.ndarray, start: int) -> np.ndarray:
    return np.ascontiguousarray(held[start : start + MEL_COLUMNS].T)[None]


class Speech:
    """The windows of a sound file (or of a video's sound), one for each picture that begins before its end.

    Iterate once: (1, 80, 16) float32 each. `pictures` counts those given; `seconds`, after the end, is the exact length
    of the sound. Memory holds a second of it. `lead`: seconds by which a picture hears the sound earlier, with silence
    before the first. InputError: no sound, or samples that are no numbers.
    """

    def __init__(self, path: Path, fps: Fraction, lead: Fraction = Fraction(0)):
        self.path, self.fps = Path(path), Fraction(fps)
        self.rate = audio_rate(path)
        self._lead = round(lead * self.rate)  # samples
        self.pictures = 0
        self._samples = 0
        self._ended = False

    @property
    def seconds(self) -> Fraction:
        """Length of the sound that was read so far, exact."""
        return Fraction(self._samples, self.rate)

    def __iter__(self) -> Iterator[np.ndarray]:
        for _, window in mel_windows(mel_blocks(self._sound(), WAV2LIP, sample_rate=self.rate), self.fps):
            if self._ended and self.pictures >= math.ceil(self.seconds * self.fps):
                return
            self.pictures += 1
            yield window

    def _sound(self) -> Iterator[np.ndarray]:
        if self._lead:
            yield np.zeros(self._lead, np.float32)
        for block in read_audio_blocks(self.path, align=follows_pictures(self.path)):
            self._samples += len(block)
            yield block
        self._ended = True
        yield np.zeros(math.ceil(SILENCE * self.rate), np.float32)

"""Average-voice mels: every phone of a recording replaced by what it sounds like on average over a set.

Of each interval the median of its frames is taken, rounded to one decimal; of a phone, in each band, the most frequent
of these (Popov et al. 2022, "Diffusion-Based Voice Conversion with Fast Maximum Likelihood Sampling Scheme", and
get_avg_mels.ipynb of huawei-noah/Speech-Backbones). Any set of phone symbols will do.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from tk_tools.audio.mel_presets import MelPreset
from tk_tools.errors import InputError
from tk_tools.files.average_mel_file import FramedPhones
from tk_tools.files.phone_averages_file import PhoneAverages
from tk_tools.files.textgrid import Phones

UNKNOWN = "spn"  # a word that the aligner's dictionary lacks
UNLABELLED = ""
SILENCES = frozenset({"sil", "sp", "SIL", "SP", "pau", "<sil>", "[SIL]", "<eps>", "<p:>"})
MOST_SYMBOLS = 1000
_STEPS = 10  # levels per unit of the log mel: one decimal
_LOWEST, _HIGHEST = -12 * _STEPS, 12 * _STEPS  # the preset's floor is -11.5, full scale about 3
_LATE = 2  # frames that a TextGrid may end after the sound


def phones_on_frames(phones: Phones, frames: int, preset: MelPreset) -> FramedPhones:
    """The phones' frames in a mel of `frames` frames; an interval holds every frame that it touches, so that
    neighbours share one, and those that reach past the end are clipped.

    InputError: the TextGrid goes on for longer than the sound.
    """
    rate, hop = preset.sample_rate, preset.hop_length
    spans = (phones.times * rate).astype(np.int64) // hop + (0, 1)
    if max(spans[-1, 1], int(phones.seconds * rate) // hop) > frames + _LATE:
        seconds = max(phones.seconds, phones.times[-1, 1])
        raise InputError(f"ends at {seconds:.2f} s, the sound at {frames * hop / rate:.2f} s; is it of another sound?")
    spans = np.minimum(spans, frames)
    inside = spans[:, 0] < spans[:, 1]
    if not inside.any():
        raise InputError("has no phone within the sound; is it of another one?")
    return FramedPhones(tuple(s for s, i in zip(phones.symbols, inside, strict=True) if i), spans[inside])


def interval_levels(mel: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """The median of each interval in tenths: mel (frames, bands), frames (phones, 2) -> (phones, bands) int16."""
    medians = np.stack([np.median(mel[start:stop], axis=0) for start, stop in frames])
    return np.clip(np.rint(medians * np.float32(_STEPS)), _LOWEST, _HIGHEST).astype(np.int16)


class LevelCounts:
    """How often each level occurs in each band of each phone: as large after a million intervals as after a hundred."""

    def __init__(self, preset: MelPreset):
        self._preset = preset
        self._counts: dict[str, np.ndarray] = {}  # (bands, levels)
        self._intervals: Counter[str] = Counter()
        self._duration: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._counts)

    def add(self, symbols: tuple[str, ...], levels: np.ndarray, durations: np.ndarray) -> None:
        """The intervals of one recording: levels of interval_levels, durations (phones,) in frames.

        InputError: there are too many symbols for a set of phones.
        """
        bands = np.arange(self._preset.n_mels)
        for symbol, row, duration in zip(symbols, levels, durations, strict=True):
            if symbol not in self._counts:
                if len(self._counts) == MOST_SYMBOLS:
                    some = ", ".join(map(repr, list(self._counts)[:3]))
                    raise InputError(f"more than {MOST_SYMBOLS} different phones ({some}, ...); are these words?")
                self._counts[symbol] = np.zeros((self._preset.n_mels, _HIGHEST - _LOWEST + 1), np.uint32)
            self._counts[symbol][bands, row - _LOWEST] += 1
            self._intervals[symbol] += 1
            self._duration[symbol] += int(duration)

    def averages(self) -> PhoneAverages:
        """The most frequent level of each phone and band, of equally frequent ones the lowest.

        What has no label is silence where no other symbol of the set is (Montreal Forced Aligner 2 and 3), and else no
        phone. InputError: nothing was counted.
        """
        silent = SILENCES.isdisjoint(self._counts)
        symbols = tuple(sorted(symbol for symbol in self._counts if symbol != UNLABELLED or silent))
        if not symbols:
            raise InputError("no phone was found in any of the sounds")
        levels = np.stack([self._counts[symbol].argmax(axis=1) for symbol in symbols]) + _LOWEST
        return PhoneAverages(
            symbols=symbols,
            average=levels.astype(np.float32) / np.float32(_STEPS),
            intervals=np.array([self._intervals[symbol] for symbol in symbols], np.int64),
            duration=np.array([self._duration[symbol] for symbol in symbols], np.int64),
            preset=self._preset.name,
        )


def average_mel(mel: np.ndarray, phones: FramedPhones, averages: PhoneAverages) -> np.ndarray:
    """mel (frames, bands) with each phone's frames replaced by its average, one after another; a copy.

    Frames of no phone keep their values. InputError: a phone has no average.
    """
    places = {symbol: place for place, symbol in enumerate(averages.symbols)}
    unknown = sorted(set(phones.symbols) - places.keys() - {UNLABELLED})
    if unknown:
        some = ", ".join(map(repr, unknown[:3])) + (", ..." if len(unknown) > 3 else "")
        known = ", ".join(map(repr, averages.symbols[:3]))
        raise InputError(f"its phones {some} have no average; those that do are {known}, ...: is it of the same set?")
    result = mel.copy()
    for symbol, (start, stop) in zip(phones.symbols, phones.frames, strict=True):
        if symbol in places:
            result[start:stop] = averages.average[places[symbol]]
    return result

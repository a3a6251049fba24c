"""Training items: segments of recordings, for stage finetune with the mel that another system made of them.

An item follows from (clip, seed) alone, so a resumed run sees what an unbroken one would. The mel of a segment is made
from it where it is trained on, in batches. Source: MelDataset of meldataset.py, jik876/hifi-gan.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from tk_tools.audio.log_mel import FLOOR
from tk_tools.audio.mel_presets import DIFFVC
from tk_tools.errors import InputError
from tk_tools.files.stored_mel import open_mel
from tk_tools.files.stretch import Sound, look_at, read_at, read_whole
from tk_tools.models.hifigan.config import HiFiGANConfig
from tk_tools.train.kept import Kept, room_of
from tk_tools.train.stand_ins import StandIns
from tk_tools.train.task import Draw

RATE, HOP = DIFFVC.sample_rate, DIFFVC.hop_length
SHORTEST = 0.1  # seconds of a sound that is of use
SILENCE = 1e-3  # of full scale, the peak: -60 dB
CLIPPED = 1e-3  # share of a sound's samples at its peak from which it is told
FULL_SCALE = 0.99
SILENT_MEL = float(np.log(FLOOR))

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Clip:
    """A sound that can be trained on, its samples at 22.05 kHz in whole frames, and the mel made of it (stage
    finetune)."""

    sound: Sound
    samples: int
    mel: Path | None = None

    @property
    def path(self) -> Path:
        """The file that the clip is named by."""
        return self.mel or self.sound.path


def inspect_sound(path: Path, config: HiFiGANConfig) -> Clip:
    """What can be drawn from a recording. InputError: it is of no use, and why."""
    sound = look_at(path)
    if sound.rate < config.min_sample_rate:
        raise InputError(
            f"is at {sound.rate} Hz and lacks what the mel hears up to {DIFFVC.fmax:g} Hz; give recordings at"
            f" {config.min_sample_rate} Hz or more (min_sample_rate)",
            path=path,
        )
    if sound.seconds < SHORTEST:
        raise InputError(f"has {sound.seconds:.3f} s of sound; from {SHORTEST:g} s on it is of use", path=path)
    if sound.peak <= SILENCE:
        raise InputError("has nothing but silence", path=path)
    if sound.peak >= FULL_SCALE and sound.at_peak > CLIPPED * sound.samples:
        share = 100 * sound.at_peak / sound.samples
        log.warning("%s: %.1f %% of its samples are clipped; what is made will sound so too", path, share)
    return Clip(sound, sound.length(RATE) // HOP * HOP)


def inspect_pair(mel: Path, path: Path, config: HiFiGANConfig) -> Clip:
    """A mel with the sound that it was made of. InputError: one of them is of no use, or their lengths differ."""
    clip = inspect_sound(path, config)
    with open_mel(mel, DIFFVC.name, DIFFVC.n_mels) as file:
        frames = len(file)
    if abs(frames * HOP - clip.sound.length(RATE)) >= 2 * HOP:
        raise InputError(
            f"has {frames} frames ({frames * HOP / RATE:.2f} s), and {path} lasts {clip.sound.seconds:.2f} s; a mel"
            " must keep the length of its sound",
            path=mel,
        )
    read_mel(mel, 0, frames)
    return Clip(clip.sound, min(clip.samples, frames * HOP), mel)


def read_mel(path: Path, start: int, stop: int) -> np.ndarray:
    """(80, stop - start) float32 log-mel of NAME.mel.h5 or NAME_mel.npy. InputError: see open_mel."""
    with open_mel(path, DIFFVC.name, DIFFVC.n_mels) as mel:
        return mel.read(start, stop).T


class Segments(Dataset):
    """Segments of clips: `[Draw(index, seed)]` gives wave (config.segment,), and mel (80, frames) for stage finetune.

    A clip counts as one item of an epoch for each config.seconds_per_item; the item's segment begins anywhere in its
    share of the clip. peak: what each clip is brought to; 0: left as it is. others: clips of the data set beside this
    one, which has its share of config.cache_mb.
    """

    def __init__(self, clips: Sequence[Clip], config: HiFiGANConfig, peak: float = 0.0, others: int = 0):
        self.clips, self.config, self.peak = clips, config, peak
        self._items = [(place, share, of) for place, of in enumerate(map(self._shares, clips)) for share in range(of)]
        self._kept = Kept(room_of(config.cache_mb, config.loader_workers, len(clips), others))
        self._stand_ins = StandIns(len(clips))

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, draw: Draw) -> dict[str, Tensor]:
        place, share, of = self._items[draw.index]
        return self._stand_ins.item(
            place,
            lambda clip: self._draw(clip, share / of, (share + 1) / of, np.random.default_rng(draw.seed)),
        )

    def _shares(self, clip: Clip) -> int:
        return max(1, int(np.ceil(clip.samples / RATE / self.config.seconds_per_item)))

    def _draw(self, place: int, begin: float, end: float, random: np.random.Generator) -> dict[str, Tensor]:
        clip, size = self.clips[place], self.config.segment
        step = 1 if clip.mel is None else HOP  # a mel's frames say where its segments begin
        starts = max(0, clip.samples - size) // step + 1
        first = int(begin * starts)
        start = step * int(random.integers(first, max(first + 1, int(end * starts))))
        return self.read(place, start, size)

    def read(self, place: int, start: int, size: int) -> dict[str, Tensor]:
        """The item of `size` samples from `start` on; behind the clip's end silence, of which the mel is the lowest."""
        clip = self.clips[place]
        wave = read_at(clip.sound, start, min(start + size, clip.samples), RATE, self._whole(place))
        item = {"wave": _filled(wave * self._gain(clip), size, 0.0)}
        if clip.mel is not None:
            frames = read_mel(clip.mel, start // HOP, min(start + size, clip.samples) // HOP)
            item["mel"] = _filled(frames, size // HOP, SILENT_MEL)
        return item

    def _gain(self, clip: Clip) -> float:
        return self.peak / clip.sound.peak if self.peak else 1.0

    def _whole(self, place: int) -> np.ndarray | None:
        """The whole sound of a file that cannot be read from the middle, if there is room for it."""
        sound = self.clips[place].sound
        if sound.seekable:
            return None
        return self._kept.whole(place, sound.samples * np.dtype(np.float32).itemsize, lambda: read_whole(sound))


class Utterances(Segments):
    """Whole clips, or the middle config.val_seconds of longer ones: wave (longest,) and mel as above, and `samples`,
    how many of the wave are the clip's. One item for each clip, the same in every pass."""

    def __init__(self, clips: Sequence[Clip], config: HiFiGANConfig, peak: float = 0.0, others: int = 0):
        super().__init__(clips, config, peak, others)
        longest = int(config.val_seconds * RATE) // HOP * HOP
        self.lengths = [min(clip.samples, longest) for clip in clips]
        self._items = [(place, 0, 1) for place in range(len(clips))]

    def _draw(self, place: int, begin: float, end: float, random: np.random.Generator) -> dict[str, Tensor]:
        length = self.lengths[place]
        start = (self.clips[place].samples - length) // 2 // HOP * HOP
        item = self.read(place, start, length)
        padded = {"wave": _filled(item["wave"].numpy(), max(self.lengths), 0.0), "samples": torch.tensor(length)}
        if "mel" in item:
            padded["mel"] = _filled(item["mel"].numpy(), max(self.lengths) // HOP, SILENT_MEL)
        return padded


def _filled(array: np.ndarray, size: int, value: float) -> Tensor:
    """The last axis brought to `size` with `value` behind its end."""
    room = [(0, 0)] * (array.ndim - 1) + [(0, size - array.shape[-1])]
    return torch.from_numpy(np.pad(array, room, constant_values=value).astype(np.float32, copy=False))

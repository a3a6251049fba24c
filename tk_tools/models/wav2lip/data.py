"""Training items from NAME.face.h5 files: which five frames are drawn, and the sound that belongs to them.

An item follows from (clip, seed) alone, so a resumed run sees what an unbroken one would. Pictures stay uint8 RGB until
they are on the device. The mels of all clips are kept while they fit config.cache_mb, and as many clips decoded as fit
beside them; of the others only the frames of a window are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from tk_tools.audio.mel import mel
from tk_tools.audio.mel_presets import WAV2LIP
from tk_tools.errors import InputError
from tk_tools.files.face_file import FaceFile
from tk_tools.files.rates import DEFAULT_FPS
from tk_tools.models.wav2lip.config import ExpertConfig, GeneratorConfig, Wav2LipConfig
from tk_tools.models.wav2lip.samples import frame_mels, mel_window, resized, usable_windows
from tk_tools.nets.sync_expert import FACE_SIZE, FRAMES_PER_WINDOW
from tk_tools.train.kept import Kept, room_of
from tk_tools.train.stand_ins import StandIns
from tk_tools.train.task import Draw

LAYOUT = "wav2lip"
SILENCE = 32  # of 32767, the peak: -60 dB
FPS = DEFAULT_FPS  # five frames are 0.2 s, the expert's window, at this rate alone


@dataclass(frozen=True)
class Clip:
    """A file that can be trained on, the first frames of its usable windows, and the room that its mel takes."""

    path: Path
    windows: np.ndarray  # (windows,) int64, ascending
    mel_bytes: int


def read_mel(file: FaceFile) -> np.ndarray:
    """(columns, 80) Wav2Lip mel of a face file's own sound. InputError: it has none."""
    audio = file.audio
    if audio is None:
        raise InputError("has no sound; Wav2Lip learns from pictures with their speech", path=file.path)
    return mel(audio.samples, WAV2LIP, sample_rate=audio.sample_rate)


def read_pictures(file: FaceFile, start: int, stop: int) -> np.ndarray:
    """Crops start to stop - 1: (frames, 96, 96, 3) uint8 RGB, resized when the file holds them larger."""
    pictures = file.frames.read(start, stop)
    if pictures.shape[1:3] == (FACE_SIZE, FACE_SIZE):
        return pictures
    return np.stack([resized(picture) for picture in pictures])


def inspect(path: Path, min_windows: int) -> Clip:
    """What can be drawn from a file, if it has min_windows usable windows (two at least: a window and another to tell
    it from). InputError: it is of no use, and why.
    """
    with FaceFile(path) as file:
        if file.layout != LAYOUT:
            raise InputError(f"holds crops of layout {file.layout}; crop again with --layout {LAYOUT}", path=path)
        if file.fps != FPS:
            raise InputError(
                f"is at {float(file.fps):g} frames/s; Wav2Lip needs 25: crop again with --fps 25", path=path
            )
        audio = file.audio
        if audio is None:
            raise InputError("has no sound; Wav2Lip learns from pictures with their speech", path=path)
        if np.abs(audio.samples.astype(np.int32)).max(initial=0) <= SILENCE:
            raise InputError("has nothing but silence for its sound", path=path)
        columns = WAV2LIP.columns(len(audio.samples) * WAV2LIP.sample_rate // audio.sample_rate)
        windows = usable_windows(file.valid, columns, FPS)
    min_windows = max(min_windows, 2)
    if len(windows) < min_windows:
        raise InputError(
            f"has {len(windows)} usable windows of {FRAMES_PER_WINDOW} frames, fewer than min_windows={min_windows}",
            path=path,
        )
    mel_bytes = (columns + 1) * WAV2LIP.n_mels * np.dtype(np.float32).itemsize  # one more: a resampler may round up
    return Clip(path=Path(path), windows=windows, mel_bytes=mel_bytes)


class _Windows(Dataset):
    """Windows of clips: `[Draw(index, seed)]`. `per_clip` windows of each clip make an epoch.

    With `fixed`, the seed is ignored: the windows are spread over the clip, the same in every pass. others: clips of
    the data set beside this one, which has its share of config.cache_mb.
    """

    def __init__(self, clips: list[Clip], config: Wav2LipConfig, fixed: bool = False, others: int = 0):
        self.clips = clips
        self.config = config
        self.fixed = fixed
        self.per_clip = config.val_windows_per_clip if fixed else config.windows_per_clip
        room = room_of(config.cache_mb, config.loader_workers, len(clips), others)
        # A mel is a 27th of its pictures, and takes longer to make than the pictures of an item to decode.
        self._mels = Kept(min(room, sum(clip.mel_bytes for clip in clips)))
        self._pictures = Kept(room - self._mels.room)
        self._stand_ins = StandIns(len(clips))

    def __len__(self) -> int:
        return len(self.clips) * self.per_clip

    def __getitem__(self, draw: Draw) -> dict[str, torch.Tensor]:
        index, seed = draw
        return self._stand_ins.item(
            index // self.per_clip, lambda place: self._item(place, nth=index % self.per_clip, seed=seed)
        )

    def _item(self, place: int, nth: int, seed: int) -> dict[str, torch.Tensor]:
        windows = self.clips[place].windows
        if self.fixed:
            rng = np.random.default_rng([place, nth])
            first = windows[(2 * nth + 1) * len(windows) // (2 * self.per_clip)]
        else:
            rng = np.random.default_rng(seed)
            first = rng.choice(windows)
        return self.make(place, int(first), rng, nth)

    def make(self, place: int, first: int, rng: np.random.Generator, nth: int) -> dict[str, torch.Tensor]:
        """The item whose window begins at frame `first` of clip `place`."""
        raise NotImplementedError

    def read(self, place: int, *firsts: int) -> tuple[np.ndarray, list[np.ndarray]]:
        """The mel of a clip, and the five pictures from each of the given frames on."""
        spectrum, pictures = self._mels.get(place), self._pictures.get(place)
        if spectrum is None or pictures is None:
            with FaceFile(self.clips[place].path) as file:
                if spectrum is None:
                    spectrum = self._mels.keep(place, read_mel(file))
                size = len(file) * FACE_SIZE * FACE_SIZE * 3
                pictures = self._pictures.whole(place, size, lambda: read_pictures(file, 0, len(file)))
                if pictures is None:
                    return spectrum, [read_pictures(file, first, first + FRAMES_PER_WINDOW) for first in firsts]
        return spectrum, [pictures[first : first + FRAMES_PER_WINDOW] for first in firsts]

    def another(self, place: int, taken: list[int], rng: np.random.Generator, nearby: int | None = None) -> int:
        """The start of a window of the clip that is not `taken` yet, at most `nearby` frames from the first of these
        when there is one that near."""
        windows = self.clips[place].windows
        others = windows[~np.isin(windows, taken)]
        if not len(others):  # a clip of fewer windows than an item has
            others = windows[windows != taken[0]]
        near = others[np.abs(others - taken[0]) <= nearby] if nearby else others
        return int(rng.choice(near if len(near) else others))


class ExpertWindows(_Windows):
    """Items of stage expert: K windows of one clip, `mel` (K, 1, 80, 16) and `faces` (K, 5, 48, 96, 3) uint8 RGB.

    K is config.windows_per_item, and 2 for validation; sound k and picture k are in sync. With K = 1 they are where
    `in_sync` is 1, and the picture is another window's where it is 0.
    """

    config: ExpertConfig

    def make(self, place: int, first: int, rng: np.random.Generator, nth: int) -> dict[str, torch.Tensor]:
        count = 2 if self.fixed else self.config.windows_per_item
        in_sync = count > 1 or rng.random() < 0.5
        heard = [first]
        for _ in range(count - 1):
            heard.append(self.off_sync(place, heard, rng))
        seen = heard if in_sync else [self.off_sync(place, heard, rng)]
        spectrum, pictures = self.read(place, *seen)
        return {
            "mel": torch.from_numpy(np.stack([mel_window(spectrum, start, FPS) for start in heard])),
            "faces": torch.from_numpy(np.stack(pictures)[:, :, FACE_SIZE // 2 :]),
            "in_sync": torch.tensor(float(in_sync)),
        }

    def off_sync(self, place: int, taken: list[int], rng: np.random.Generator) -> int:
        """The first frame of a window of the clip that is not `taken` yet."""
        near = not self.fixed and rng.random() < self.config.nearby_share
        return self.another(place, taken, rng, nearby=self.config.nearby_frames if near else None)


class GeneratorWindows(_Windows):
    """Items of stages generator and gan.

    `target`, `reference` (T, 96, 96, 3) uint8 RGB: the window and another one; `mel` (1, 80, 16) of the window,
    `frame_mels` (T, 1, 80, 16) of each frame. T is 5, or 1, any of them, with config.single_frames; 5 for validation.
    """

    config: GeneratorConfig

    def make(self, place: int, first: int, rng: np.random.Generator, nth: int) -> dict[str, torch.Tensor]:
        spectrum, (target, reference) = self.read(place, first, self.another(place, [first], rng))
        kept = slice(None)
        if self.config.single_frames and not self.fixed:
            one = int(rng.integers(FRAMES_PER_WINDOW))
            kept = slice(one, one + 1)
        return {
            "mel": torch.from_numpy(mel_window(spectrum, first, FPS)),
            "frame_mels": torch.from_numpy(frame_mels(spectrum, first, FPS)[kept]),
            "target": torch.from_numpy(target[kept].copy()),
            "reference": torch.from_numpy(reference[kept].copy()),
        }

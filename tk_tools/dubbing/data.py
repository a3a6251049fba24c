"""Training items from NAME.face.h5 with NAME.feat.h5 beside it: which frames are drawn, and the sound that belongs to
them. Source: dataset_DINet_frame.py and dataset_DINet_clip.py of MRzzm/DINet and iPaw-AI-LAB/LawDNet_2024.

Clips are cut into pieces of nine frames (the originals' "clips") that the validity mask does not interrupt. An item
follows from (clip, seed) alone. Where this differs from the originals: the last piece of a clip is not lost, pictures
are shrunk without aliasing, the references of a clip item are of other pieces than its own frames, and DINet's box is
1.05 times the face throughout, where it draws 1.05 to 1.15 for each piece and for the references of a dub.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from tk_tools.dubbing.config import DubbingConfig
from tk_tools.dubbing.masks import crop_size, mouth_square
from tk_tools.errors import ConfigError, InputError
from tk_tools.face.crop import stretches as runs
from tk_tools.files.companions import Companions
from tk_tools.files.digest import file_digest
from tk_tools.files.face_file import FACE, FaceFile
from tk_tools.files.feature_file import FEATURES, Features, read_feature_file
from tk_tools.files.find import find_files, stem_of
from tk_tools.files.made_from import read_provenance
from tk_tools.files.rates import FRAME_RATE
from tk_tools.train.kept import Kept, room_of
from tk_tools.train.stand_ins import StandIns
from tk_tools.train.task import Draw

PIECE = 9  # frames
CONTEXT = 2  # rows of features on either side of a frame's own
FRAMES = 5  # of a piece that have their context in it
REFERENCES = 5
LEAST_PIECES = 1 + REFERENCES
NEARBY = FRAME_RATE  # frames: where a nearby sound off sync begins, at most
LEAST_SHIFT = 3  # frames: 120 ms, about what people notice
_LEAST_CHANGE = 1e-6  # deviation of features that tell anything

Stretches = tuple[tuple[int, int], ...]
"""First frame and the one behind the last of each run of valid frames."""


@dataclass(frozen=True)
class Clip:
    """A face file that can be trained on, with the features that the generator and the SyncNet hear: their files,
    channels, and of the SyncNet's the model."""

    path: Path
    features: Path
    sync_features: Path
    frames: int
    stretches: Stretches
    channels: int
    sync_channels: int
    sync_model: str


def within(stretches: Stretches, first: int, stop: int) -> Stretches:
    """What of the stretches lies in frames first to stop - 1."""
    cut = ((max(start, first), min(end, stop)) for start, end in stretches)
    return tuple((start, end) for start, end in cut if start < end)


def pieces_of(stretches: Stretches) -> np.ndarray:
    """First frames, (pieces,) int64, of the nine-frame pieces that the stretches are cut into."""
    starts = [np.arange(start, end - PIECE + 1, PIECE) for start, end in stretches]
    return np.concatenate([np.zeros(0, np.int64), *starts])


def windows_of(stretches: Stretches) -> np.ndarray:
    """First frames, (windows,) int64, of all runs of nine frames in the stretches."""
    starts = [np.arange(start, end - PIECE + 1) for start, end in stretches]
    return np.concatenate([np.zeros(0, np.int64), *starts])


def parts_of(clip_frames: int, stretches: Stretches, held_out_share: float) -> tuple[Stretches, Stretches]:
    """The stretches that are trained on, and those that are validated on: the same unless a share is held out."""
    if not held_out_share:
        return stretches, stretches
    cut = clip_frames - round(held_out_share * clip_frames)
    return within(stretches, 0, cut), within(stretches, cut, clip_frames)


def inspect(path: Path, beside: Path, config: DubbingConfig) -> Clip:
    """What can be drawn from a clip. InputError: it is of no use, and why."""
    with FaceFile(path) as file:
        if file.layout != config.layout:
            raise InputError(
                f"holds crops of layout {file.layout}; crop again with --layout {config.layout}", path=path
            )
        if file.fps != FRAME_RATE:
            raise InputError(
                f"is at {float(file.fps):g} frames/s; {FRAME_RATE} are needed: crop again with --fps {FRAME_RATE}",
                path=path,
            )
        valid, digest = file.valid, file.source.first.digest
    features = read_features(path, beside, len(valid), digest)
    if features.model != config.features:
        raise InputError(
            f"holds features of {features.model}, not of {config.features}; make them with tk-feat --model"
            f" {config.features}, or --set features={features.model}",
            path=beside,
        )
    sync_path, sync = _sync_features(path, beside, features, digest, getattr(config, "sync_features", ""))
    stretches = tuple(runs(valid))
    train, held_out = parts_of(len(valid), stretches, config.held_out_share)
    if len(pieces_of(train)) < LEAST_PIECES:
        raise InputError(
            f"is too short: {LEAST_PIECES} pieces of {PIECE} usable frames are needed to train on, and it has"
            f" {len(pieces_of(train))}",
            path=path,
        )
    if not len(pieces_of(held_out)):
        raise InputError(f"has no {PIECE} usable frames in the share that is held out at its end", path=path)
    return Clip(
        path=Path(path),
        features=Path(beside),
        sync_features=sync_path,
        frames=len(valid),
        stretches=stretches,
        channels=features.values.shape[1],
        sync_channels=sync.values.shape[1],
        sync_model=sync.model,
    )


def read_features(face: Path, path: Path, frames: int, digest: str) -> Features:
    """The features of a face file with so many frames, of a source with that digest. InputError: they are another's."""
    features = read_feature_file(path)
    made = read_provenance(path)
    if made is not None and made.source.first.digest not in (digest, file_digest(face)):
        raise InputError(
            f"was made from another clip than {face}, or from it before it changed; make both again", path=path
        )
    if features.rate != FRAME_RATE:
        raise InputError(f"has {features.rate} rows a second, {FRAME_RATE} are needed; make it again", path=path)
    if len(features.values) != frames:
        raise InputError(
            f"has {len(features.values)} rows, and {face} {frames} frames; make both again from one clip", path=path
        )
    if features.values.std(axis=0).max() < _LEAST_CHANGE:
        raise InputError("hears nothing that changes: the clip is silent", path=path)
    return features


def _sync_features(face: Path, beside: Path, features: Features, digest: str, folder: str) -> tuple[Path, Features]:
    """What the SyncNet hears: the file of that name in a folder if one is given, else what the generator hears."""
    if not folder:
        return beside, features
    path = _companions(folder).of(face, stem_of(face, (FACE.suffix,)))
    return path, read_features(face, path, len(features.values), digest)


@functools.lru_cache(maxsize=4)
def _companions(folder: str) -> Companions:
    if not Path(folder).is_dir():
        raise ConfigError(f"sync_features={folder}: no such folder")
    found = [item.path for item in find_files(Path(folder), (FEATURES.suffix,))]
    return Companions(found, (FEATURES.suffix,), FEATURES.made_by)


def unfit(clips: Mapping[Path, Clip]) -> dict[Path, str]:
    """The clips whose features are of another kind than most, and why they are left out."""
    kinds = {path: (clip.channels, clip.sync_channels, clip.sync_model) for path, clip in clips.items()}
    usual = Counter(kinds.values()).most_common(1)[0][0]
    return {
        path: f"{path}: features of {channels} channels (for the SyncNet {sync_channels}, {model}), where most clips"
        f" have {usual[0]} ({usual[1]}, {usual[2]}); make all of them by one model"
        for path, (channels, sync_channels, model) in kinds.items()
        if (channels, sync_channels, model) != usual
    }


def resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """(H, W, 3) uint8 -> (height, width, 3): means of areas where it shrinks, against aliasing, else bilinear."""
    if picture.shape[:2] == (height, width):
        return picture
    shrinks = picture.shape[0] > height
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


class _Items(Dataset):
    """Items of clips: `[Draw(index, seed)]`. config.augment_num of each clip make an epoch.

    With `fixed`, the seed is ignored: config.val_items_per_clip are spread over the (held-out part of the) clip, the
    same in every pass. others: clips of the data set beside this one, which has its share of config.cache_mb.
    """

    def __init__(self, clips: Sequence[Clip], config: DubbingConfig, fixed: bool = False, others: int = 0):
        self.clips, self.config, self.fixed = clips, config, fixed
        self.per_clip = config.val_items_per_clip if fixed else config.augment_num
        self.height, self.width = crop_size(config.mouth_size)
        parts = [parts_of(clip.frames, clip.stretches, config.held_out_share) for clip in clips]
        self.trained = [pieces_of(train) for train, _ in parts]
        self.drawn = [self.starts(held_out if fixed else train) for train, held_out in parts]
        room = room_of(config.cache_mb, config.loader_workers, len(clips), others)
        values = sum(4 * clip.frames * (clip.channels + clip.sync_channels) for clip in clips)
        self._heard = Kept(min(room, values))
        self._pictures = Kept(room - self._heard.room)
        self._stand_ins = StandIns(len(clips))

    def __len__(self) -> int:
        return len(self.clips) * self.per_clip

    def __getitem__(self, draw: Draw) -> dict[str, torch.Tensor]:
        index, seed = draw
        return self._stand_ins.item(
            index // self.per_clip, lambda place: self._item(place, nth=index % self.per_clip, seed=seed)
        )

    def _item(self, place: int, nth: int, seed: int) -> dict[str, torch.Tensor]:
        starts = self.drawn[place]
        if self.fixed:
            random = np.random.default_rng([place, nth])
            start = starts[(2 * nth + 1) * len(starts) // (2 * self.per_clip)]
        else:
            random = np.random.default_rng(seed)
            start = random.choice(starts)
        return self.make(place, int(start), random)

    def starts(self, stretches: Stretches) -> np.ndarray:
        """The first frames of what an item can begin with."""
        return pieces_of(stretches)

    def make(self, place: int, start: int, random: np.random.Generator) -> dict[str, torch.Tensor]:
        """The item whose nine frames begin at frame `start` of clip `place`."""
        raise NotImplementedError

    def fit(self, picture: np.ndarray) -> np.ndarray:
        """A stored picture at the size of the stage."""
        return resized(picture, self.height, self.width)

    def references(self, place: int, start: int, random: np.random.Generator) -> np.ndarray:
        """(5,) frames, one of each of five pieces that are not the one at `start`."""
        others = self.trained[place][self.trained[place] != start]
        return random.choice(others, REFERENCES, replace=False) + random.integers(PIECE, size=REFERENCES)

    def heard(self, place: int, sync: bool = False) -> np.ndarray:
        """(frames, channels) float32: what the generator, or the SyncNet, hears of a clip."""
        clip = self.clips[place]
        key = 2 * place + (sync and clip.sync_features != clip.features)
        kept = self._heard.get(key)
        if kept is None:
            kept = self._heard.keep(key, read_feature_file(clip.sync_features if sync else clip.features).values)
        return kept

    def pictures(self, place: int, frames: np.ndarray) -> torch.Tensor:
        """(..., h, w, 3) uint8 RGB of (...) frames of a clip."""
        clip = self.clips[place]
        size = clip.frames * self.height * self.width * 3
        kept = self._pictures.whole(place, size, lambda: self._read(clip, range(clip.frames)))
        if kept is not None:
            return torch.from_numpy(kept[frames])
        few = self._read(clip, frames.ravel().tolist())
        return torch.from_numpy(few.reshape(*frames.shape, *few.shape[1:]))

    def _read(self, clip: Clip, frames: Iterable[int]) -> np.ndarray:
        with FaceFile(clip.path) as file:
            return np.stack([self.fit(file.frames.read(frame, frame + 1)[0]) for frame in frames])


def _around(values: np.ndarray, frame: int) -> np.ndarray:
    """(channels, 5): the rows of a frame and of two on either side."""
    return values[frame - CONTEXT : frame + CONTEXT + 1].T


class FrameItems(_Items):
    """Single frames: `source` (h, w, 3) and `references` (5, h, w, 3) uint8 RGB of six pieces of one clip; `audio`
    (channels, 5) float32 around the source frame."""

    def make(self, place: int, start: int, random: np.random.Generator) -> dict[str, torch.Tensor]:
        references = self.references(place, start, random)
        frame = start + CONTEXT + int(random.integers(FRAMES))
        pictures = self.pictures(place, np.array([frame, *references]))
        audio = torch.from_numpy(_around(self.heard(place), frame).copy())
        return {"source": pictures[0], "references": pictures[1:], "audio": audio}


class ClipItems(_Items):
    """Five frames of a piece: `source` (5, h, w, 3) and `references` (5, 5, h, w, 3) uint8 RGB, drawn anew for each;
    `audio` (5, channels, 5) and, of the whole piece for the SyncNet, `sync_audio` (channels, 9) float32."""

    def make(self, place: int, start: int, random: np.random.Generator) -> dict[str, torch.Tensor]:
        sources = start + CONTEXT + np.arange(FRAMES)
        references = np.stack([self.references(place, start, random) for _ in sources])
        pictures = self.pictures(place, np.concatenate([sources[:, None], references], axis=1))
        heard = self.heard(place)
        return {
            "source": pictures[:, 0],
            "references": pictures[:, 1:],
            "audio": torch.from_numpy(np.stack([_around(heard, frame) for frame in sources.tolist()])),
            "sync_audio": torch.from_numpy(self.heard(place, sync=True)[start : start + PIECE].T.copy()),
        }


class SyncItems(_Items):
    """Five mouths with two sounds: `mouths` (5, m, m, 3) uint8 RGB, `audio` and `other` (channels, 9) float32, of the
    mouths' own nine frames and of nine that begin three or more away."""

    def starts(self, stretches: Stretches) -> np.ndarray:
        return windows_of(stretches)

    def fit(self, picture: np.ndarray) -> np.ndarray:
        rows, columns = mouth_square(self.config.mouth_size)
        return np.ascontiguousarray(super().fit(picture)[rows, columns])

    def make(self, place: int, start: int, random: np.random.Generator) -> dict[str, torch.Tensor]:
        starts = self.drawn[place]
        if np.ptp(starts) < 2 * LEAST_SHIFT:  # what is held out may be as short as a piece
            starts = windows_of(self.clips[place].stretches)
        away = np.abs(starts - start)
        others = starts[away >= LEAST_SHIFT]
        near = starts[(away >= LEAST_SHIFT) & (away <= NEARBY)]
        if len(near) and random.random() < self.config.nearby_share:
            others = near
        other = int(random.choice(others))
        heard = self.heard(place)
        return {
            "mouths": self.pictures(place, start + CONTEXT + np.arange(FRAMES)),
            "audio": torch.from_numpy(heard[start : start + PIECE].T.copy()),
            "other": torch.from_numpy(heard[other : other + PIECE].T.copy()),
        }

"""Training items: crops of a mel, with the average voice's mel or the speaker's embedding that lies beside it.

Read from NAME.mel.h5, NAME.avgmel.h5 and NAME.embed.h5, or from the .npy files of the original's layout
(mels/SPEAKER/ID_mel.npy (80, T), mels_mode/SPEAKER/ID_avgmel.npy (80, T), embeds/SPEAKER/ID_embed.npy (256,)).
An item follows from (clip, seed) alone, so a resumed run sees what an unbroken one would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from tk_tools.audio.mel_presets import DIFFVC
from tk_tools.errors import InputError
from tk_tools.files.average_mel_file import read_average_mel_file
from tk_tools.files.embed_file import read_embed_file
from tk_tools.files.made_from import read_provenance
from tk_tools.files.mel_file import Mel, read_mel_file
from tk_tools.models.diffvc.config import DiffVCConfig
from tk_tools.nets.speaker_encoder import EMBEDDING
from tk_tools.train.task import Draw

PRESET = DIFFVC.name  # of mels and of embeddings


@dataclass(frozen=True)
class Clip:
    """A mel that can be trained on, what lies beside it, its frames, and its speaker: the folder that it lies in."""

    mel: Path
    beside: Path
    frames: int
    speaker: str


def read_mel(path: Path) -> np.ndarray:
    """(T, 80) float32 log-mel, from NAME.mel.h5 or ID_mel.npy. InputError: another preset's, damaged, no such array."""
    if path.suffix == ".npy":
        return _array(path, (DIFFVC.n_mels, None)).T
    return _of_preset(read_mel_file(path), path, "tk-mel")


def read_average_mel(path: Path) -> np.ndarray:
    """(T, 80) float32, from NAME.avgmel.h5 or ID_avgmel.npy; errors as read_mel's."""
    if path.suffix == ".npy":
        return _array(path, (DIFFVC.n_mels, None)).T
    return _of_preset(read_average_mel_file(path), path, "tk-align")


def read_embedding(path: Path) -> np.ndarray:
    """(256,) float32 at unit length, from NAME.embed.h5 or ID_embed.npy. InputError: several, other windows, broken."""
    if path.suffix == ".npy":
        return _array(path, (EMBEDDING,))
    embed = read_embed_file(path)
    if embed.preset != PRESET:
        raise InputError(f"was made with the preset {embed.preset}; make it with tk-embed --preset {PRESET}", path=path)
    if len(embed.values) != 1:
        raise InputError(f"holds {len(embed.values)} embeddings; make one of each file with tk-embed", path=path)
    return embed.values[0]


def _of_preset(mel: Mel, path: Path, tool: str) -> np.ndarray:
    if mel.preset != PRESET:
        again = f"{tool} --preset {PRESET}" if tool == "tk-mel" else tool
        raise InputError(f"is a mel of the preset {mel.preset}; make it with {again}", path=path)
    return mel.values


def _array(path: Path, shape: tuple[int | None, ...]) -> np.ndarray:
    """A NumPy array of that shape (None: any length) as float32."""
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError("is no NumPy array, or it is cut short", path=path) from error
    fits = values.ndim == len(shape) and all(
        want in (None, have) for have, want in zip(values.shape, shape, strict=True)
    )
    if not fits or values.dtype.kind != "f":
        wanted = ", ".join("frames" if size is None else str(size) for size in shape)
        raise InputError(f"holds {values.dtype} {values.shape}; expected float32 ({wanted})", path=path)
    if not np.isfinite(values).all():
        raise InputError("holds values that are no numbers", path=path)
    return np.ascontiguousarray(values, dtype=np.float32)


def inspect(mel: Path, beside: Path, min_frames: int) -> Clip:
    """What lies beside a mel may be its average mel or its embedding. InputError: the clip is of no use, and why."""
    frames = len(read_mel(mel))
    if frames < min_frames:
        raise InputError(f"has {frames} frames, fewer than min_frames={min_frames}", path=mel)
    _check_one_source(mel, beside)
    if _is_embedding(beside):
        read_embedding(beside)
    elif (average := len(read_average_mel(beside))) != frames:
        raise InputError(f"has {average} frames, and {mel} {frames}; make both again from one sound", path=beside)
    return Clip(mel=mel, beside=beside, frames=frames, speaker=mel.absolute().parent.name)


def _is_embedding(path: Path) -> bool:
    return path.name.endswith((".embed.h5", "_embed.npy"))


def _check_one_source(mel: Path, beside: Path) -> None:
    """InputError unless both were made from the same sound; NumPy arrays do not tell."""
    made = [read_provenance(path) for path in (mel, beside) if path.suffix == ".h5"]
    digests = {found.source.first.digest for found in made if found is not None}
    if len(digests) > 1:
        raise InputError(
            f"was made from another sound than {mel}, or from it before it changed; make both again", path=beside
        )


class _Crops(Dataset):
    """Crops of clips: `[Draw(index, seed)]`. With `fixed` they begin in the middle, the same in every pass."""

    def __init__(self, clips: Sequence[Clip], config: DiffVCConfig, fixed: bool = False):
        self.clips, self.config, self.fixed = clips, config, fixed

    def __len__(self) -> int:
        return len(self.clips)

    def crop(self, mel: np.ndarray, start: int) -> torch.Tensor:
        """(80, crop_frames) from the frame `start` on, zeros behind its end."""
        size = self.config.crop_frames
        piece = mel[start : start + size]
        return torch.from_numpy(np.pad(piece, ((0, size - len(piece)), (0, 0))).T.copy())

    def start(self, frames: int, random: np.random.Generator) -> int:
        room = max(0, frames - self.config.crop_frames)
        return room // 2 if self.fixed else int(random.integers(room + 1))

    def frames(self, clip: Clip) -> int:
        """Frames of a clip's crop that are no padding."""
        return min(clip.frames, self.config.crop_frames)


class EncoderCrops(_Crops):
    """mel and average (80, crop_frames), both of the same frames; frames: how many are no padding."""

    def __getitem__(self, draw: Draw) -> dict[str, torch.Tensor | int]:
        clip = self.clips[draw.index]
        start = self.start(clip.frames, np.random.default_rng(draw.seed))
        mel, average = read_mel(clip.mel), read_average_mel(clip.beside)
        return {"mel": self.crop(mel, start), "average": self.crop(average, start), "frames": self.frames(clip)}


class DecoderCrops(_Crops):
    """mel and reference (80, crop_frames), two crops of one clip; embedding (256,); frames that are no padding."""

    def __getitem__(self, draw: Draw) -> dict[str, torch.Tensor | int]:
        clip = self.clips[draw.index]
        random = np.random.default_rng(draw.seed)
        mel = read_mel(clip.mel)
        start = self.start(clip.frames, random)
        reference = 0 if self.fixed else self.start(clip.frames, random)
        return {
            "mel": self.crop(mel, start),
            "reference": self.crop(mel, reference),
            "embedding": torch.from_numpy(read_embedding(clip.beside)),
            "frames": self.frames(clip),
        }

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
from tk_tools.files.embed_file import read_embed_file
from tk_tools.files.made_from import read_provenance
from tk_tools.files.stored_mel import open_mel
from tk_tools.models.diffvc.config import DiffVCConfig
from tk_tools.nets.speaker_encoder import EMBEDDING
from tk_tools.train.task import Draw

PRESET = DIFFVC.name  # of mels and of embeddings


@dataclass(frozen=True)
class Clip:
    """A mel that can be trained on, what lies beside it, its frames, and its speaker as speaker_of tells."""

    mel: Path
    beside: Path
    frames: int
    speaker: str


def read_mel(path: Path, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Frames start to stop - 1 of a log-mel (of NAME.mel.h5, NAME.avgmel.h5, or an array of the original's layout), by
    default all: (frames, 80) float32. InputError: see open_mel."""
    with open_mel(path, PRESET, DIFFVC.n_mels) as mel:
        return mel.read(start, stop)


def count_frames(path: Path) -> int:
    """Frames of such a mel; errors as read_mel's."""
    with open_mel(path, PRESET, DIFFVC.n_mels) as mel:
        return len(mel)


def read_embedding(path: Path) -> np.ndarray:
    """(256,) float32 at unit length, from NAME.embed.h5 or ID_embed.npy. InputError: several, other windows, broken."""
    if path.suffix == ".npy":
        return _embedding_array(path)
    embed = read_embed_file(path)
    if embed.preset != PRESET:
        raise InputError(f"was made with the preset {embed.preset}; make it with tk-embed --preset {PRESET}", path=path)
    if len(embed.values) != 1:
        raise InputError(f"holds {len(embed.values)} embeddings; make one of each file with tk-embed", path=path)
    return embed.values[0]


def _embedding_array(path: Path) -> np.ndarray:
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError("is no NumPy array, or it is cut short", path=path) from error
    fits = values.shape == (EMBEDDING,) and values.dtype.kind == "f"
    if not fits or not np.isclose(np.linalg.norm(values), 1, atol=0.01):
        raise InputError(f"holds {values.dtype} {values.shape}; expected ({EMBEDDING},) of unit length", path=path)
    return values.astype(np.float32)


def speaker_of(path: Path) -> str:
    """The folder whose name the file's begins with (LibriTTS: SPEAKER/CHAPTER/SPEAKER_CHAPTER_...), else its own."""
    folders = [folder.name for folder in path.absolute().parents]
    named = (name for name in folders if name and path.name.startswith((f"{name}_", f"{name}-")))
    return next(named, folders[0])


def inspect(mel: Path, beside: Path, min_frames: int) -> Clip:
    """What lies beside a mel may be its average mel or its embedding. InputError: the clip is of no use, and why."""
    frames = count_frames(mel)
    if frames < min_frames:
        raise InputError(f"has {frames} frames, fewer than min_frames={min_frames}", path=mel)
    _check_one_source(mel, beside)
    if _is_embedding(beside):
        read_embedding(beside)
    elif (average := count_frames(beside)) != frames:
        raise InputError(f"has {average} frames, and {mel} {frames}; make both again from one sound", path=beside)
    return Clip(mel=mel, beside=beside, frames=frames, speaker=speaker_of(mel))


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

    def crop(self, path: Path, start: int) -> torch.Tensor:
        """(80, crop_frames) of a mel from the frame `start` on, zeros behind its end."""
        size = self.config.crop_frames
        piece = read_mel(path, start, start + size)
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
        mel, average = (self.crop(path, start) for path in (clip.mel, clip.beside))
        return {"mel": mel, "average": average, "frames": self.frames(clip)}


class DecoderCrops(_Crops):
    """mel and reference (80, crop_frames), two crops of one clip; embedding (256,); frames that are no padding."""

    def __getitem__(self, draw: Draw) -> dict[str, torch.Tensor | int]:
        clip = self.clips[draw.index]
        random = np.random.default_rng(draw.seed)
        start = self.start(clip.frames, random)
        reference = 0 if self.fixed else self.start(clip.frames, random)
        return {
            "mel": self.crop(clip.mel, start),
            "reference": self.crop(clip.mel, reference),
            "embedding": torch.from_numpy(read_embedding(clip.beside)),
            "frames": self.frames(clip),
        }

"""Mels, average mels and embeddings of no voice: bands that rise and fall, so that a crop tells where it was taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tk_tools.audio.mel_presets import DIFFVC
from tk_tools.files.average_mel_file import FramedPhones, write_average_mel_file
from tk_tools.files.embed_file import FrontEnd, write_embed_file
from tk_tools.files.mel_file import Mel, write_mel_file
from tk_tools.files.provenance import Provenance, Source


def made(name: str, digest: str | None = None) -> Provenance:
    return Provenance({}, Source(name=f"{name}.wav", digest=digest or f"blake2b:{name}"))


def mel_of(name: str, frames: int) -> np.ndarray:
    """(frames, 80): the first band counts the frames, the others are the name's own."""
    random = np.random.default_rng(list(name.encode()))
    values = random.normal(-5, 2, (frames, DIFFVC.n_mels)).astype(np.float32)
    values[:, 0] = np.arange(frames)
    return values


def embedding_of(name: str) -> np.ndarray:
    values = np.abs(np.random.default_rng(list(name.encode())).normal(size=(1, 256))).astype(np.float32)
    return values / np.linalg.norm(values)


def write_mel(folder: Path, name: str, frames: int = 40, preset: str = "diffvc", digest: str | None = None) -> Path:
    path = folder / f"{name}.mel.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = {"sample_rate": DIFFVC.sample_rate, "hop_length": DIFFVC.hop_length, "unit": "log"}
    write_mel_file(path, [mel_of(path.stem, frames)], preset=preset, made=made(name, digest), **shape)
    return path


def write_average(folder: Path, name: str, frames: int = 40, digest: str | None = None) -> Path:
    path = folder / f"{name}.avgmel.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    mel = Mel(mel_of(f"{path.stem} average", frames), "diffvc", DIFFVC.sample_rate, DIFFVC.hop_length)
    phones = FramedPhones(("a",), np.array([[0, frames]]))
    write_average_mel_file(path, mel, phones, unit="log", made=made(name, digest))
    return path


def write_embedding(
    folder: Path, name: str, rows: int = 1, preset: str = "diffvc", per: str = "file", digest: str | None = None
) -> Path:
    path = folder / f"{name}.embed.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    front_end = FrontEnd(preset=preset, per=per, step=80, hop_length=160, sample_rate=16000)
    values = np.repeat(embedding_of(path.stem), rows, axis=0)
    write_embed_file(path, [(values, None)], front_end, made=made(name, digest))
    return path


def write_data_set(folder: Path, speakers: int = 2, clips: int = 3, frames: int = 40) -> list[Path]:
    """mels/, avg/ and embeds/ of some speakers; gives the mels."""
    names = [f"{speaker}/{speaker}_{number}" for speaker in "abcdefgh"[:speakers] for number in range(clips)]
    for name in names:
        write_average(folder / "avg", name, frames)
        write_embedding(folder / "embeds", name)
    return [write_mel(folder / "mels", name, frames) for name in names]


def write_seed_layout(folder: Path, speakers: int = 2, clips: int = 3, frames: int = 40) -> None:
    """The same as the original's NumPy files."""
    for speaker in "abcdefgh"[:speakers]:
        for number in range(clips):
            name = f"{speaker}_{number}"
            for kind, suffix, values in (
                ("mels", "mel", mel_of(name, frames).T),
                ("mels_mode", "avgmel", mel_of(f"{name} average", frames).T),
                ("embeds", "embed", embedding_of(name)[0]),
            ):
                path = folder / kind / speaker / f"{name}_{suffix}.npy"
                path.parent.mkdir(parents=True, exist_ok=True)
                np.save(path, values)

"""Samples of a training: a held-out clip as the networks make it, to look at and to listen to (by Griffin-Lim)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from tk_tools.audio.griffin_lim import griffin_lim
from tk_tools.audio.mel_presets import DIFFVC
from tk_tools.files.provenance import Provenance, Source
from tk_tools.files.wav import write_wav
from tk_tools.models.diffvc.average_voice import AverageVoice
from tk_tools.models.diffvc.data import Clip, read_embedding, read_mel
from tk_tools.models.diffvc.networks import DiffVC

LONGEST = 430  # frames, 5 s
MADE = Provenance({}, Source("tk-train diffvc", "sample"))


@torch.no_grad()
def write_averages(encoder: AverageVoice, clip: Clip, folder: Path, device: torch.device) -> None:
    """The clip, its average voice, and what the encoder makes of it: wavs, and one picture of the three mels."""
    mel, average = (read_mel(path, 0, LONGEST) for path in (clip.mel, clip.beside))
    encoder.eval()
    given = _batch(mel, device)
    made = encoder(given, torch.ones_like(given[:, :1]))
    _write(folder, {"voice": mel, "average": average, "made": _frames(made)})


@torch.no_grad()
def write_voice(network: DiffVC, clip: Clip, steps: int, folder: Path, device: torch.device) -> None:
    """The clip, its average voice, and what the decoder makes of that, with the clip itself as its reference."""
    mel = read_mel(clip.mel, 0, LONGEST)
    network.eval()
    given = _batch(mel, device)
    mask = torch.ones_like(given[:, :1])
    embedding = torch.from_numpy(read_embedding(clip.beside))[None].to(device)
    _, made = network.convert(given, mask, given, mask, embedding, "ml", steps)
    _write(folder, {"voice": mel, "average": _frames(network.encoder(given, mask)), "made": _frames(made)})


def _batch(mel: np.ndarray, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(mel.T.copy())[None].to(device)


def _frames(mels: torch.Tensor) -> np.ndarray:
    return mels[0].T.float().cpu().numpy()


def _write(folder: Path, mels: dict[str, np.ndarray]) -> None:
    from PIL import Image

    for name, mel in mels.items():
        sound = griffin_lim(np.clip(mel, -12, 2), DIFFVC)
        mark = None if name == "voice" else MADE.comment(synthetic=True)
        write_wav(folder / f"{name}.wav", [np.clip(sound, -1, 1)], DIFFVC.sample_rate, comment=mark)
    rows = [np.clip((mel.T[::-1] + 12) / 14, 0, 1) for mel in mels.values()]
    gap = np.ones((4, rows[0].shape[1]))
    picture = np.concatenate([part for row in rows for part in (row, gap)][:-1])
    Image.fromarray((255 * picture).astype(np.uint8)).save(folder / "mels.png")

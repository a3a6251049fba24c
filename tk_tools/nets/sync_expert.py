"""The lip sync expert (SyncNet_color): 0.2 s of sound and five half faces -> unit vectors, their cosine a probability.

Wav2Lip trains against it, and tk-eval-lse measures with it; key names are those of `lipsync_expert.pth`.
Source: Prajwal et al., "A Lip Sync Expert Is All You Need", ACM MM 2020, and its code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from tk_tools.nets.blocks import ConvBlock
from tk_tools.weights.load import load_strictly

FRAMES_PER_WINDOW = 5  # 0.2 s of pictures at 25 frames/s
MEL_COLUMNS = 16  # 0.2 s of sound at 80 columns/s
FACE_SIZE = 96  # px; the expert sees rows 48..95


@dataclass(frozen=True)
class SyncExpertConfig:
    """Channels of the five scales; the last one is also the length of the embeddings."""

    widths: tuple[int, int, int, int, int] = (32, 64, 128, 256, 512)


def _audio_encoder(widths: tuple[int, ...]) -> nn.Sequential:
    a, b, c, d, e = widths
    return nn.Sequential(  # h x w
        ConvBlock(1, a),  # 80 x 16
        ConvBlock(a, a, residual=True),
        ConvBlock(a, a, residual=True),
        ConvBlock(a, b, stride=(3, 1)),  # 27 x 16
        ConvBlock(b, b, residual=True),
        ConvBlock(b, b, residual=True),
        ConvBlock(b, c, stride=3),  # 9 x 6
        ConvBlock(c, c, residual=True),
        ConvBlock(c, c, residual=True),
        ConvBlock(c, d, stride=(3, 2)),  # 3 x 3
        ConvBlock(d, d, residual=True),
        ConvBlock(d, d, residual=True),
        ConvBlock(d, e, padding=0),  # 1 x 1
        ConvBlock(e, e, kernel=1, padding=0),
    )


def _face_encoder(widths: tuple[int, ...]) -> nn.Sequential:
    a, b, c, d, e = widths
    return nn.Sequential(  # h x w
        ConvBlock(3 * FRAMES_PER_WINDOW, a, kernel=7, padding=3),  # 48 x 96
        ConvBlock(a, b, kernel=5, stride=(1, 2), padding=1),  # 46 x 47
        ConvBlock(b, b, residual=True),
        ConvBlock(b, b, residual=True),
        ConvBlock(b, c, stride=2),  # 23 x 24
        ConvBlock(c, c, residual=True),
        ConvBlock(c, c, residual=True),
        ConvBlock(c, c, residual=True),
        ConvBlock(c, d, stride=2),  # 12 x 12
        ConvBlock(d, d, residual=True),
        ConvBlock(d, d, residual=True),
        ConvBlock(d, e, stride=2),  # 6 x 6
        ConvBlock(e, e, residual=True),
        ConvBlock(e, e, residual=True),
        ConvBlock(e, e, stride=2),  # 3 x 3
        ConvBlock(e, e, padding=0),  # 1 x 1
        ConvBlock(e, e, kernel=1, padding=0),
    )


class SyncExpert(nn.Module):
    """Two encoders that end in a ReLU and a unit length, so the cosine of their outputs lies in [0, 1]."""

    def __init__(self, config: SyncExpertConfig = SyncExpertConfig()):
        super().__init__()
        self.config = config
        self.face_encoder = _face_encoder(config.widths)
        self.audio_encoder = _audio_encoder(config.widths)

    def embed_audio(self, mel: torch.Tensor) -> torch.Tensor:
        """(B, 1, 80, 16) mel in [-4, 4] -> (B, E) unit vectors."""
        return functional.normalize(self.audio_encoder(mel).flatten(start_dim=1), p=2, dim=1)

    def embed_face(self, faces: torch.Tensor) -> torch.Tensor:
        """(B, 15, 48, 96) lower half faces in 0..1, BGR of frame 0, then of frame 1 ... -> (B, E) unit vectors."""
        return functional.normalize(self.face_encoder(faces).flatten(start_dim=1), p=2, dim=1)

    def forward(self, mel: torch.Tensor, faces: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 1, 80, 16), (B, 15, 48, 96) -> audio (B, E), face (B, E)."""
        return self.embed_audio(mel), self.embed_face(faces)


def config_from_state_dict(state: Mapping[str, torch.Tensor]) -> SyncExpertConfig:
    """The widths of a state dict, read off its tensors' shapes. KeyError: not an expert's state dict."""
    layers = (0, 3, 6, 9, 12)
    return SyncExpertConfig(
        widths=tuple(state[f"audio_encoder.{layer}.conv_block.0.weight"].shape[0] for layer in layers)
    )


def load_expert_state(state: Mapping[str, torch.Tensor], path: str | Path) -> SyncExpert:
    """The expert that a state dict holds, of any width, in eval mode. WeightsError: `path` holds another network."""
    try:
        config = config_from_state_dict(state)
    except (KeyError, IndexError):
        config = SyncExpertConfig()  # loading then names what is missing
    return load_strictly(SyncExpert(config), state, path=path, what="a Wav2Lip sync expert").eval()

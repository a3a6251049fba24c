"""DINet's stages as tasks of the training loop: its generator, square mask and optimiser in what dubbing/ shares.

Source: train_DINet_frame.py and train_DINet_clip.py of MRzzm/DINet.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tk_tools.dubbing import training
from tk_tools.dubbing.masks import square_mask
from tk_tools.dubbing.sync_training import SyncTask as SyncTask
from tk_tools.models.dinet.config import FrameConfig
from tk_tools.models.dinet.networks import DINetConfig, Generator
from tk_tools.models.dinet.published import load_generator_and_about


class _DINet:
    """What is DINet's own in a stage."""

    config: FrameConfig
    optimizer_kind = torch.optim.Adam
    mask = staticmethod(square_mask)

    def new_generator(self, audio_channels: int) -> Generator:
        return Generator(DINetConfig(width=self.config.width, audio_channels=audio_channels))

    def load_generator(self, path: Path) -> tuple[Generator, Mapping[str, Any]]:
        return load_generator_and_about(path)


class FrameTask(_DINet, training.FrameTask):
    """Stages frame64, frame128 and frame256."""


class ClipTask(_DINet, training.ClipTask):
    """Stage clip256."""

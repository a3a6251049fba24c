"""LawDNet's stages as tasks of the training loop: its generator, soft mask and optimiser in what dubbing/ shares.

Source: train_LawDNet_frame_distributed.py and train_LawDNet_clip_distributed.py of iPaw-AI-LAB/LawDNet_2024.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tk_tools.dubbing import training
from tk_tools.dubbing.masks import soft_mask
from tk_tools.dubbing.sync_training import SyncTask as SyncTask
from tk_tools.errors import ConfigError
from tk_tools.models.lawdnet.config import FrameConfig
from tk_tools.models.lawdnet.networks import Generator, LawDNetConfig
from tk_tools.models.lawdnet.published import load_generator_and_about


class _LawDNet:
    """What is LawDNet's own in a stage."""

    config: FrameConfig
    optimizer_kind = torch.optim.AdamW
    mask = staticmethod(soft_mask)

    def new_generator(self, audio_channels: int) -> Generator:
        config = self.config
        return Generator(LawDNetConfig(width=config.width, audio_channels=audio_channels, warp_field=config.warp_field))

    def load_generator(self, path: Path) -> tuple[Generator, Mapping[str, Any]]:
        """ConfigError: its warp field is not the config's, which goes into the header of what is handed on."""
        generator, about = load_generator_and_about(path)
        theirs = generator.config.warp_field
        if theirs != self.config.warp_field:
            raise ConfigError(f"{path} was trained with another warp field: say --set warp_field={theirs}")
        return generator, about


class FrameTask(_LawDNet, training.FrameTask):
    """Stages frame64, frame128 and frame256."""


class ClipTask(_LawDNet, training.ClipTask):
    """Stage clip256."""

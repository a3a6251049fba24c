"""Narrow drawn generators of LawDNet and DINet, and what the tests of inference ask of a result."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from tests.golden.golden import draw
from tk_tools.models.dinet.networks import DINetConfig
from tk_tools.models.dinet.networks import Generator as DINet
from tk_tools.models.lawdnet.networks import Generator as LawDNet
from tk_tools.models.lawdnet.networks import LawDNetConfig
from tk_tools.weights.save import save_safetensors

WIDTH, CHANNELS, MOUTH = 0.125, 80, 64
_NETWORKS = {
    "lawdnet": lambda channels: LawDNet(LawDNetConfig(width=WIDTH, audio_channels=channels)),
    "dinet": lambda channels: DINet(DINetConfig(width=WIDTH, audio_channels=channels)),
}


def small_generator(name: str, channels: int = CHANNELS, seed: int = 0) -> nn.Module:
    """An eighth of the published width, drawn louder than usual: its mouths are noise that follows the sound."""
    net = _NETWORKS[name](channels)
    with torch.no_grad():
        for key, value in net.state_dict().items():
            if value.is_floating_point():
                loud = 1.4 if sum(side > 1 for side in value.shape) >= 2 else 1.0
                value.copy_(loud * torch.from_numpy(np.asarray(draw(key, tuple(value.shape), seed))))
    return net.eval()


def write_checkpoint(path: Path, name: str, seed: int = 0, **settings) -> Path:
    """A file as tk-train leaves it, trained for a small mouth and mel features; settings: more of its config."""
    channels = settings.pop("channels", CHANNELS)
    settings = {"mouth_size": MOUTH, "features": "mel", "warp_field": "published"} | settings
    about = {"model": name, "stage": "frame64", "network": "generator", "step": 1, "settings": settings}
    return save_safetensors(path, small_generator(name, channels, seed).state_dict(), about)

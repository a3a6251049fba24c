"""A SyncNet that judges made mouths: its weights, and what its scores and its input are like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from tk_tools.dubbing.published import read_part
from tk_tools.nets.dinet_sync_net import SyncNet, load_sync_net_state

PUBLISHED_MOUTH = 256
PUBLISHED_FEATURES = "deepspeech"


@dataclass(frozen=True)
class Judge:
    """A SyncNet in eval mode; mouth_size that it sees; squashed: its scores are logits; model of what it hears."""

    net: SyncNet
    mouth_size: int
    squashed: bool
    features: str


def load_judge(path: str | Path) -> Judge:
    """Of a run of stage sync or a published file (`syncnet_256mouth.pth`). WeightsError: it is another network."""
    file, state, about = read_part(path, "net")
    settings = about.get("settings", {})
    return Judge(
        net=load_sync_net_state(state, file),
        mouth_size=settings.get("mouth_size", PUBLISHED_MOUTH),
        squashed=settings.get("loss") == "bce",
        features=settings.get("features", PUBLISHED_FEATURES),
    )


def sync_scores(net: nn.Module, crops: Tensor, audio: Tensor, square: tuple[slice, slice], size: int) -> Tensor:
    """(B, 15, h, w) crops of five frames with the mouth in `square`, seen `size` pixels wide, (B, channels, 9) ->
    (B, 1, size / 32, size / 32) scores, as the network gives them."""
    mouths = crops[:, :, *square]
    if mouths.shape[-1] != size:
        mouths = functional.interpolate(mouths, size=(size, size), mode="bilinear", align_corners=False)
    return net(mouths, audio)


def read_scores(scores: Tensor, squashed: bool, clamp: bool = False) -> Tensor:
    """Scores that are near 1 in sync: those of a network trained by cross entropy are brought to 0..1; clamp: none is
    above 1."""
    scores = scores.float()
    if squashed:
        return torch.sigmoid(scores)
    return scores.clamp(max=1) if clamp else scores

"""LPIPS v0.1: how far apart two pictures are for a network that saw many (0 is equal), as papers report it.

AlexNet is what the authors advise for comparing and most papers use; VGG16 is the other. Needs torchvision's file of
the network and the authors' heads. Source: Zhang et al., "The unreasonable effectiveness of deep features as a
perceptual metric", 2018; richzhang/PerceptualSimilarity.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import nn

from tk_tools.metrics.networks import LpipsFiles
from tk_tools.nets.imagenet_features import (
    DEVIATION,
    MEAN,
    ImageNetFeatures,
    load_features,
    make_alexnet,
    make_vgg,
)
from tk_tools.weights.load import load_state_dict, load_strictly

LEAST_SIDE = {"alex": 31, "vgg": 16}  # px: smaller pictures have nothing left behind the last pool
PATCH = 64  # px: side of the patches that LPIPS was learned from; what has any size is scaled to it
BATCH_PIXELS = 1 << 19  # of either side of the pairs that go through the network at once
_SMALL = 1e-10  # keeps the length of a vector of zeros from dividing by zero


class _Head(nn.Module):
    """Weighs the channels of one map. The dropout, idle here, holds a place in the numbering of the keys."""

    def __init__(self, channels: int):
        super().__init__()
        self.model = nn.Sequential(nn.Dropout(), nn.Conv2d(channels, 1, kernel_size=1, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> (B, 1, h, w)."""
        return self.model(x)


class Heads(nn.Module):
    """The learned part: a head for each map. Key names are those of the authors' files."""

    def __init__(self, widths: tuple[int, ...]):
        super().__init__()
        for number, channels in enumerate(widths):
            self.add_module(f"lin{number}", _Head(channels))


class LPIPS(nn.Module):
    """The distance of pairs of pictures. name: of the network, alex or vgg. To be used in eval mode."""

    def __init__(self, name: str = "alex"):
        super().__init__()
        self.name = name
        self.network: ImageNetFeatures = make_alexnet() if name == "alex" else make_vgg(depth=16)
        self.heads = Heads(self.network.widths)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False)

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """RGB (B, 3, H, W) in 0..1 each, sides at least LEAST_SIDE -> (B,)."""
        both = (torch.cat([first, second]) - self.mean) / self.deviation
        total = torch.zeros(len(first), device=first.device)
        for head, maps in zip(self.heads.children(), self.network.maps(both), strict=True):
            unit = maps / (maps.pow(2).sum(dim=1, keepdim=True).sqrt() + _SMALL)
            a, b = unit.chunk(2)
            total = total + head((a - b).pow(2)).mean(dim=(1, 2, 3))
        return total


@lru_cache(maxsize=1)
def load_lpips(files: LpipsFiles, device: str = "cpu") -> LPIPS:
    """The published network in eval mode; that of the clip before serves the next. WeightsError: another network."""
    lpips = LPIPS(files.network)
    load_features(lpips.network, files.features, "AlexNet" if files.network == "alex" else "VGG16")
    load_strictly(lpips.heads, load_state_dict(files.heads), files.heads, f"LPIPS's heads for {files.network}")
    return lpips.eval().to(device, memory_format=torch.channels_last)  # a quarter less time on a processor


@torch.inference_mode()
def lpips_of_pictures(lpips: LPIPS, made: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """(B, H, W, 3) uint8 RGB each -> (B,) distances."""
    device = lpips.mean.device
    pairs = [torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float() / 255 for images in (made, reference)]
    return lpips(*pairs).cpu().numpy()


class LpipsMeter:
    """The mean distance of pairs that come one by one, all of one size, measured in batches.

    scaled: pictures of any size are scaled to PATCH x PATCH, and so may differ in size from pair to pair.
    """

    def __init__(self, lpips: LPIPS, scaled: bool = False):
        self._lpips, self._scaled = lpips, scaled
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []
        self._values: list[float] = []

    def add(self, made: np.ndarray, reference: np.ndarray) -> None:
        """(H, W, 3) uint8 RGB each; pictures too small for the network are left out."""
        if self._scaled:
            made, reference = (
                cv2.resize(picture, (PATCH, PATCH), interpolation=cv2.INTER_AREA) for picture in (made, reference)
            )
        elif min(made.shape[:2]) < LEAST_SIDE[self._lpips.name]:
            return
        self._waiting.append((made, reference))
        if len(self._waiting) * made.shape[0] * made.shape[1] >= BATCH_PIXELS:
            self._measure()

    def mean(self) -> float | None:
        """Of all pairs so far; None: there was none."""
        if self._waiting:
            self._measure()
        return float(np.mean(self._values)) if self._values else None

    def _measure(self) -> None:
        made, reference = (np.stack(pictures) for pictures in zip(*self._waiting, strict=True))
        self._waiting.clear()
        self._values += lpips_of_pictures(self._lpips, made, reference).tolist()

"""S3FD, the face detector of both reference pipelines: a VGG-16 trunk with six heads, in its two published builds.

`FACE_ALIGNMENT` (file s3fd-619a316812.pth, used by Wav2Lip) and `SYNCNET` (file sfd_face.pth, used by syncnet_python)
have tensors of the same sizes but other names, pooling and fc6. Source: Zhang et al., ICCV 2017, and the two
repositories.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

STRIDES = (4, 8, 16, 32, 64, 128)  # of the six heads, in px; an anchor is four strides wide

_VGG = (  # (stage, channels, convolutions); a 2x2 pool follows each stage
    (1, 64, 2),
    (2, 128, 2),
    (3, 256, 3),
    (4, 512, 3),
    (5, 512, 3),
)
_HEADS = (  # (tapped layer, channels, class channels)
    ("conv3_3_norm", 256, 4),
    ("conv4_3_norm", 512, 2),
    ("conv5_3_norm", 512, 2),
    ("fc7", 1024, 2),
    ("conv6_2", 512, 2),
    ("conv7_2", 256, 2),
)


@dataclass(frozen=True)
class S3FDConfig:
    """What tells the two builds apart."""

    third_pool_ceil: bool
    fc6_padding: int
    fc6_dilation: int


FACE_ALIGNMENT = S3FDConfig(third_pool_ceil=False, fc6_padding=3, fc6_dilation=1)
SYNCNET = S3FDConfig(third_pool_ceil=True, fc6_padding=6, fc6_dilation=6)


class ScaledNorm(nn.Module):
    """Unit length across channels, times a learned scale per channel."""

    def __init__(self, channels: int, scale: float):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), scale))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> the same."""
        norm = x.pow(2).sum(dim=1, keepdim=True).sqrt() + 1e-10
        return x / norm * self.weight.view(1, -1, 1, 1)


class S3FD(nn.Module):
    """Picture -> class and box maps at strides 4, 8, 16, 32, 64, 128. Key names are those of face-alignment's file."""

    def __init__(self, config: S3FDConfig = FACE_ALIGNMENT):
        super().__init__()
        self.config = config
        channels_in = 3
        for stage, channels, count in _VGG:
            for number in range(1, count + 1):
                conv = nn.Conv2d(channels_in, channels, kernel_size=3, padding=1)
                self.add_module(f"conv{stage}_{number}", conv)
                channels_in = channels
        self.fc6 = nn.Conv2d(512, 1024, kernel_size=3, padding=config.fc6_padding, dilation=config.fc6_dilation)
        self.fc7 = nn.Conv2d(1024, 1024, kernel_size=1)
        self.conv6_1 = nn.Conv2d(1024, 256, kernel_size=1)
        self.conv6_2 = nn.Conv2d(256, 512, kernel_size=3, stride=2, padding=1)
        self.conv7_1 = nn.Conv2d(512, 128, kernel_size=1)
        self.conv7_2 = nn.Conv2d(128, 256, kernel_size=3, stride=2, padding=1)
        self.conv3_3_norm = ScaledNorm(256, scale=10.0)
        self.conv4_3_norm = ScaledNorm(512, scale=8.0)
        self.conv5_3_norm = ScaledNorm(512, scale=5.0)
        for tap, channels, classes in _HEADS:
            self.add_module(f"{tap}_mbox_conf", nn.Conv2d(channels, classes, kernel_size=3, padding=1))
            self.add_module(f"{tap}_mbox_loc", nn.Conv2d(channels, 4, kernel_size=3, padding=1))

    def _taps(self, x: torch.Tensor) -> list[torch.Tensor]:
        """The six maps that the heads look at."""
        taps = []
        for stage, _, count in _VGG:
            for number in range(1, count + 1):
                x = torch.relu(self.get_submodule(f"conv{stage}_{number}")(x))
            if stage >= 3:  # only the heads see the normalised map
                taps.append(self.get_submodule(f"conv{stage}_3_norm")(x))
            ceil = stage == 3 and self.config.third_pool_ceil
            x = functional.max_pool2d(x, kernel_size=2, stride=2, ceil_mode=ceil)
        x = torch.relu(self.fc7(torch.relu(self.fc6(x))))
        taps.append(x)
        x = torch.relu(self.conv6_2(torch.relu(self.conv6_1(x))))
        taps.append(x)
        taps.append(torch.relu(self.conv7_2(torch.relu(self.conv7_1(x)))))
        return taps

    def forward(self, x: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """(B, 3, H, W), mean-free RGB -> six pairs of class scores (B, 2, h, w; background, face; before
        softmax) and box offsets (B, 4, h, w)."""
        maps = []
        for (tap, _, classes), features in zip(_HEADS, self._taps(x), strict=True):
            scores = self.get_submodule(f"{tap}_mbox_conf")(features)
            if classes == 4:  # three background channels, the best of which counts
                background = scores[:, :3].amax(dim=1, keepdim=True)
                scores = torch.cat([background, scores[:, 3:]], dim=1)
            maps.append((scores, self.get_submodule(f"{tap}_mbox_loc")(features)))
        return maps


def _syncnet_names() -> dict[str, str]:
    """Layer names of sfd_face.pth -> ours."""
    names, index = {}, 0
    for stage, _, count in _VGG:
        for number in range(1, count + 1):
            names[f"vgg.{index}"] = f"conv{stage}_{number}"
            index += 2  # a ReLU stands between two convolutions ...
        index += 1  # ... and a pool behind each stage
    names[f"vgg.{index}"] = "fc6"
    names[f"vgg.{index + 2}"] = "fc7"
    for number, layer in enumerate(("conv6_1", "conv6_2", "conv7_1", "conv7_2")):
        names[f"extras.{number}"] = layer
    for stage in (3, 4, 5):
        names[f"L2Norm{stage}_3"] = f"conv{stage}_3_norm"
    for number, (tap, _, _) in enumerate(_HEADS):
        names[f"loc.{number}"] = f"{tap}_mbox_loc"
        names[f"conf.{number}"] = f"{tap}_mbox_conf"
    return names


def from_syncnet_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The state dict of sfd_face.pth under our names; names that it does not know are kept, for strict
    loading to refuse.
    """
    names = _syncnet_names()
    renamed = {}
    for key, tensor in state.items():
        layer, _, leaf = key.rpartition(".")
        renamed[f"{names.get(layer, layer)}.{leaf}"] = tensor
    return renamed

"""IResNet, the network of ArcFace: an aligned face of 112 px -> 512 numbers. Key names are those of backbone.pth.

Source: Deng et al., "ArcFace: additive angular margin loss for deep face recognition", 2019; Duta et al., "Improved
residual networks", 2020; deepinsight/insightface, recognition/arcface_torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from tk_tools.weights.load import load_strictly

FACE_SIZE = 112  # px
EMBEDDING = 512
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 14, 3), 100: (3, 13, 30, 3)}  # of each stage, by depth
_WIDTHS = (64, 128, 256, 512)


class Block(nn.Module):
    """Norm, convolution, norm, PReLU, convolution, norm, beside a shortcut; halves the map where stride is 2."""

    def __init__(self, channels_in: int, channels: int, stride: int):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.prelu = nn.PReLU(channels)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels)
        self.downsample = None
        if stride != 1:
            shortcut = nn.Conv2d(channels_in, channels, kernel_size=1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels_in, H, W) -> (B, channels, H / stride, W / stride)."""
        inner = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.bn3(self.conv2(inner)) + shortcut


class IResNet(nn.Module):
    """Faces -> vectors whose cosine says how alike two persons are. depth: one of BLOCKS."""

    def __init__(self, depth: int = 100):
        super().__init__()
        self.depth = depth
        self.conv1 = nn.Conv2d(3, 64, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.prelu = nn.PReLU(64)
        channels_in = 64
        for number, (channels, count) in enumerate(zip(_WIDTHS, BLOCKS[depth], strict=True), start=1):
            blocks = [Block(channels_in if n == 0 else channels, channels, stride=1 if n else 2) for n in range(count)]
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
            channels_in = channels
        self.bn2 = nn.BatchNorm2d(channels_in)
        side = FACE_SIZE // 2 ** len(_WIDTHS)
        self.fc = nn.Linear(channels_in * side * side, EMBEDDING)
        self.features = nn.BatchNorm1d(EMBEDDING)

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        """RGB (B, 3, 112, 112) in -1..1 -> (B, 512)."""
        x = self.prelu(self.bn1(self.conv1(faces)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))  # (B, 512, 7, 7)
        return self.features(self.fc(self.bn2(x).flatten(start_dim=1)))


def load_iresnet_state(state: Mapping[str, torch.Tensor], path: str | Path) -> IResNet:
    """The network that a state dict holds, of any depth of BLOCKS, in eval mode. WeightsError: another network."""
    third = sum(1 for key in state if key.startswith("layer3.") and key.endswith(".conv1.weight"))
    depth = next((depth for depth, blocks in BLOCKS.items() if blocks[2] == third), 100)
    return load_strictly(IResNet(depth), state, path=path, what="ArcFace's IResNet").eval()

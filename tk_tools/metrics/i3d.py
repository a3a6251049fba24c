"""I3D, the network that FVD is defined with: Inception v1 blown up along time, trained on Kinetics-400, RGB.

Key names are those of i3d_pretrained_400.pt, DeepMind's weights as VideoGPT converted them.
Source: Carreira and Zisserman, "Quo vadis, action recognition?", 2017; piergiaj/pytorch-i3d; wilson1yan/VideoGPT.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

INPUT_SIZE = 224  # px
LEAST_FRAMES = 9  # fewer leave less than the two steps of time that the last pool takes
CLASSES = 400

_BLOCKS = {  # name: channels of the branches 1x1, (1x1, 3x3), (1x1, 3x3), pool
    "Mixed_3b": (64, 96, 128, 16, 32, 32),
    "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
    "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}


def _pad_as_tensorflow(x: torch.Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> torch.Tensor:
    """Zeros around (B, C, T, H, W) so that each side becomes ceil(side / stride); an odd one out goes to the end."""
    padding: list[int] = []
    for side, width, step in zip(x.shape[:1:-1], kernel[::-1], stride[::-1], strict=True):
        total = max((-(-side // step) - 1) * step + width - side, 0)
        padding += [total // 2, total - total // 2]
    return functional.pad(x, padding)


def _pool(x: torch.Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> torch.Tensor:
    # The padding counts as zero, as TensorFlow's does not: what is pooled comes out of a ReLU, so it never matters.
    return functional.max_pool3d(_pad_as_tensorflow(x, kernel, stride), kernel_size=kernel, stride=stride)


class Unit(nn.Module):
    """Convolution without bias, batch norm, ReLU."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int = 1, stride: int = 1):
        super().__init__()
        self.conv3d = nn.Conv3d(channels_in, channels_out, kernel_size=kernel, stride=stride, bias=False)
        self.bn = nn.BatchNorm3d(channels_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels_in, T, H, W) -> (B, channels_out, T / stride, H / stride, W / stride), rounded up."""
        x = _pad_as_tensorflow(x, self.conv3d.kernel_size, self.conv3d.stride)
        return torch.relu(self.bn(self.conv3d(x)))


class Mixed(nn.Module):
    """Four branches side by side."""

    def __init__(self, channels_in: int, channels: tuple[int, ...]):
        super().__init__()
        self.b0 = Unit(channels_in, channels[0])
        self.b1a = Unit(channels_in, channels[1])
        self.b1b = Unit(channels[1], channels[2], kernel=3)
        self.b2a = Unit(channels_in, channels[3])
        self.b2b = Unit(channels[3], channels[4], kernel=3)
        self.b3b = Unit(channels_in, channels[5])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels_in, T, H, W) -> (B, channels_out, T, H, W)."""
        pooled = _pool(x, kernel=(3, 3, 3), stride=(1, 1, 1))
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(pooled)], dim=1)


class Logits(nn.Module):
    """A score for each class at each step of time."""

    def __init__(self, channels_in: int):
        super().__init__()
        self.conv3d = nn.Conv3d(channels_in, CLASSES, kernel_size=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels_in, T, 1, 1) -> (B, 400, T, 1, 1)."""
        return self.conv3d(x)


class I3D(nn.Module):
    """Clips -> the scores of 400 kinds of action, before the softmax, which are FVD's features."""

    def __init__(self):
        super().__init__()
        self.Conv3d_1a_7x7 = Unit(3, 64, kernel=7, stride=2)
        self.Conv3d_2b_1x1 = Unit(64, 64)
        self.Conv3d_2c_3x3 = Unit(64, 192, kernel=3)
        channels = 192
        for name, widths in _BLOCKS.items():
            self.add_module(name, Mixed(channels, widths))
            channels = widths[0] + widths[2] + widths[4] + widths[5]
        self.logits = Logits(channels)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """RGB (B, 3, T, 224, 224) in -1..1, T at least LEAST_FRAMES -> (B, 400)."""
        spatial = {"kernel": (1, 3, 3), "stride": (1, 2, 2)}
        x = _pool(self.Conv3d_1a_7x7(clips), **spatial)  # (B, 64, T / 2, 56, 56)
        x = _pool(self.Conv3d_2c_3x3(self.Conv3d_2b_1x1(x)), **spatial)  # (B, 192, T / 2, 28, 28)
        x = _pool(self.Mixed_3c(self.Mixed_3b(x)), kernel=(3, 3, 3), stride=(2, 2, 2))  # (B, 480, T / 4, 14, 14)
        for name in ("Mixed_4b", "Mixed_4c", "Mixed_4d", "Mixed_4e", "Mixed_4f"):
            x = self.get_submodule(name)(x)
        x = _pool(x, kernel=(2, 2, 2), stride=(2, 2, 2))  # (B, 832, T / 8, 7, 7)
        x = functional.avg_pool3d(self.Mixed_5c(self.Mixed_5b(x)), kernel_size=(2, 7, 7), stride=1)
        return self.logits(x).mean(dim=(2, 3, 4))

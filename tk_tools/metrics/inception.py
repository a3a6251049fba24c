"""The Inception network that FID is defined with: the TensorFlow weights of 2015, as pytorch-fid carries them.

Not the Inception of image classification: average pools leave the padding out, the last block has a maximum
pool, and there are 1008 classes (which nothing here looks at). Key names are those of
pt_inception-2015-12-05-6726825d.pth.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

INPUT_SIZE = 299  # px
FEATURES = 2048


class Conv(nn.Module):
    """Convolution without bias, batch norm, ReLU; zeros around so that stride 1 keeps the size, unless
    `padded` is False.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel=1, stride: int = 1, padded: bool = True):
        super().__init__()
        kernel = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (kernel[0] // 2, kernel[1] // 2) if padded else 0
        self.conv = nn.Conv2d(channels_in, channels_out, kernel_size=kernel, stride=stride, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(channels_out, eps=0.001)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels_in, H, W) -> (B, channels_out, H', W')."""
        return torch.relu(self.bn(self.conv(x)))


def _average(x: torch.Tensor) -> torch.Tensor:
    return functional.avg_pool2d(x, kernel_size=3, stride=1, padding=1, count_include_pad=False)


def _halve(x: torch.Tensor) -> torch.Tensor:
    return functional.max_pool2d(x, kernel_size=3, stride=2)


class Mixed5(nn.Module):
    """35 x 35: branches 1x1, 5x5, two 3x3, pool."""

    def __init__(self, channels: int, pool: int):
        super().__init__()
        self.branch1x1 = Conv(channels, 64)
        self.branch5x5_1 = Conv(channels, 48)
        self.branch5x5_2 = Conv(48, 64, kernel=5)
        self.branch3x3dbl_1 = Conv(channels, 64)
        self.branch3x3dbl_2 = Conv(64, 96, kernel=3)
        self.branch3x3dbl_3 = Conv(96, 96, kernel=3)
        self.branch_pool = Conv(channels, pool)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels_in, H, W) -> (B, channels_out, H, W)."""
        five = self.branch5x5_2(self.branch5x5_1(x))
        three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), five, three, self.branch_pool(_average(x))], dim=1)


class Mixed6a(nn.Module):
    """35 x 35 -> 17 x 17."""

    def __init__(self, channels: int):
        super().__init__()
        self.branch3x3 = Conv(channels, 384, kernel=3, stride=2, padded=False)
        self.branch3x3dbl_1 = Conv(channels, 64)
        self.branch3x3dbl_2 = Conv(64, 96, kernel=3)
        self.branch3x3dbl_3 = Conv(96, 96, kernel=3, stride=2, padded=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels_in, H, W) -> (B, channels_out, H', W')."""
        three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), three, _halve(x)], dim=1)


class Mixed6(nn.Module):
    """17 x 17: branches 1x1, one and two 7x7 taken apart, pool; `inner` channels within them."""

    def __init__(self, inner: int):
        super().__init__()
        self.branch1x1 = Conv(768, 192)
        self.branch7x7_1 = Conv(768, inner)
        self.branch7x7_2 = Conv(inner, inner, kernel=(1, 7))
        self.branch7x7_3 = Conv(inner, 192, kernel=(7, 1))
        self.branch7x7dbl_1 = Conv(768, inner)
        self.branch7x7dbl_2 = Conv(inner, inner, kernel=(7, 1))
        self.branch7x7dbl_3 = Conv(inner, inner, kernel=(1, 7))
        self.branch7x7dbl_4 = Conv(inner, inner, kernel=(7, 1))
        self.branch7x7dbl_5 = Conv(inner, 192, kernel=(1, 7))
        self.branch_pool = Conv(768, 192)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels_in, H, W) -> (B, channels_out, H, W)."""
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        twice = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        twice = self.branch7x7dbl_5(self.branch7x7dbl_4(twice))
        return torch.cat([self.branch1x1(x), seven, twice, self.branch_pool(_average(x))], dim=1)


class Mixed7a(nn.Module):
    """17 x 17 -> 8 x 8."""

    def __init__(self):
        super().__init__()
        self.branch3x3_1 = Conv(768, 192)
        self.branch3x3_2 = Conv(192, 320, kernel=3, stride=2, padded=False)
        self.branch7x7x3_1 = Conv(768, 192)
        self.branch7x7x3_2 = Conv(192, 192, kernel=(1, 7))
        self.branch7x7x3_3 = Conv(192, 192, kernel=(7, 1))
        self.branch7x7x3_4 = Conv(192, 192, kernel=3, stride=2, padded=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels_in, H, W) -> (B, channels_out, H', W')."""
        three = self.branch3x3_2(self.branch3x3_1(x))
        seven = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))
        return torch.cat([three, self.branch7x7x3_4(seven), _halve(x)], dim=1)


class Mixed7(nn.Module):
    """8 x 8: branches 1x1, one and two 3x3 that end side by side, pool (average, or maximum in the very last block)."""

    def __init__(self, channels: int, maximum_pool: bool):
        super().__init__()
        self.branch1x1 = Conv(channels, 320)
        self.branch3x3_1 = Conv(channels, 384)
        self.branch3x3_2a = Conv(384, 384, kernel=(1, 3))
        self.branch3x3_2b = Conv(384, 384, kernel=(3, 1))
        self.branch3x3dbl_1 = Conv(channels, 448)
        self.branch3x3dbl_2 = Conv(448, 384, kernel=3)
        self.branch3x3dbl_3a = Conv(384, 384, kernel=(1, 3))
        self.branch3x3dbl_3b = Conv(384, 384, kernel=(3, 1))
        self.branch_pool = Conv(channels, 192)
        self.maximum_pool = maximum_pool

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels_in, H, W) -> (B, channels_out, H, W)."""
        one = self.branch3x3_1(x)
        two = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        pooled = functional.max_pool2d(x, kernel_size=3, stride=1, padding=1) if self.maximum_pool else _average(x)
        parts = [self.branch1x1(x), self.branch3x3_2a(one), self.branch3x3_2b(one)]
        parts += [self.branch3x3dbl_3a(two), self.branch3x3dbl_3b(two), self.branch_pool(pooled)]
        return torch.cat(parts, dim=1)


class FIDInception(nn.Module):
    """Pictures -> the 2048 features that FID compares. `fc` is there for the published file, and is not used."""

    def __init__(self):
        super().__init__()
        self.Conv2d_1a_3x3 = Conv(3, 32, kernel=3, stride=2, padded=False)
        self.Conv2d_2a_3x3 = Conv(32, 32, kernel=3, padded=False)
        self.Conv2d_2b_3x3 = Conv(32, 64, kernel=3)
        self.Conv2d_3b_1x1 = Conv(64, 80)
        self.Conv2d_4a_3x3 = Conv(80, 192, kernel=3, padded=False)
        self.Mixed_5b = Mixed5(192, pool=32)
        self.Mixed_5c = Mixed5(256, pool=64)
        self.Mixed_5d = Mixed5(288, pool=64)
        self.Mixed_6a = Mixed6a(288)
        self.Mixed_6b = Mixed6(128)
        self.Mixed_6c = Mixed6(160)
        self.Mixed_6d = Mixed6(160)
        self.Mixed_6e = Mixed6(192)
        self.Mixed_7a = Mixed7a()
        self.Mixed_7b = Mixed7(1280, maximum_pool=False)
        self.Mixed_7c = Mixed7(2048, maximum_pool=True)
        self.fc = nn.Linear(FEATURES, 1008)

    def blocks(self, images: torch.Tensor) -> list[torch.Tensor]:
        """RGB pictures (B, 3, H, W) in 0..1 -> the maps behind both first pools and Mixed_6e, and the
        features (B, 2048).
        """
        size = (INPUT_SIZE, INPUT_SIZE)
        x = 2 * functional.interpolate(images, size=size, mode="bilinear", align_corners=False) - 1
        first = _halve(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))))  # (B, 64, 73, 73)
        second = _halve(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(first)))  # (B, 192, 35, 35)
        x = self.Mixed_6a(self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(second))))
        third = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(x))))  # (B, 768, 17, 17)
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(third)))  # (B, 2048, 8, 8)
        return [first, second, third, x.mean(dim=(2, 3))]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """RGB pictures (B, 3, H, W) in 0..1, any size -> (B, 2048)."""
        return self.blocks(images)[-1]

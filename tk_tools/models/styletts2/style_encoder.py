"""A mel -> its style, a vector: how it sounds (acoustic style) or how it is said (prosodic style).

State dicts bear the published keys. Source: Li et al., NeurIPS 2023, appendix; yl4579/StyleTTS2, models.py.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import spectral_norm  # the newer one of parametrizations names its weights otherwise

from tk_tools.models.styletts2.layers import SLOPE, UNIT
from tk_tools.models.styletts2.sizes import Sizes

FEWEST_FRAMES = 65  # of a mel: five columns have to be left behind four halvings that round up
HALVINGS = 4


class Halving(nn.Module):
    """Each channel's own convolution with stride 2, under its published name."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = spectral_norm(nn.Conv2d(channels, channels, 3, stride=2, padding=1, groups=channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class HalvingBlock(nn.Module):
    """Two convolutions and a halving beside a shortcut: (B, C_in, H, W) -> (B, C_out, H / 2, W / 2 rounded up)."""

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__()
        self.conv1 = spectral_norm(nn.Conv2d(channels_in, channels_in, 3, padding=1))
        self.downsample_res = Halving(channels_in)
        self.conv2 = spectral_norm(nn.Conv2d(channels_in, channels_out, 3, padding=1))
        if channels_in != channels_out:
            self.conv1x1 = spectral_norm(nn.Conv2d(channels_in, channels_out, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        y = self.downsample_res(self.conv1(functional.leaky_relu(x, SLOPE)))
        y = self.conv2(functional.leaky_relu(y, SLOPE))
        if hasattr(self, "conv1x1"):
            x = self.conv1x1(x)
        if x.shape[-1] % 2:
            x = torch.cat([x, x[..., -1:]], dim=-1)
        return (functional.avg_pool2d(x, 2) + y) * UNIT


class StyleEncoder(nn.Module):
    """Normalised log-mel (B, 80, frames), front end `styletts2`, of FEWEST_FRAMES or more -> (B, style).

    Padding is heard too: give items of one length, or one at a time.
    """

    def __init__(self, sizes: Sizes = Sizes()):
        super().__init__()
        widths = [min(sizes.style_channels * 2**place, sizes.hidden) for place in range(HALVINGS + 1)]
        self.shared = nn.Sequential(
            spectral_norm(nn.Conv2d(1, widths[0], 3, padding=1)),
            *(HalvingBlock(*pair) for pair in itertools.pairwise(widths)),
            nn.LeakyReLU(SLOPE),
            spectral_norm(nn.Conv2d(widths[-1], widths[-1], 5)),
            nn.AdaptiveAvgPool2d(1),
            nn.LeakyReLU(SLOPE),
        )
        self.unshared = nn.Linear(widths[-1], sizes.style)

    def forward(self, mel: Tensor) -> Tensor:
        return self.unshared(self.shared(mel.unsqueeze(1)).flatten(start_dim=1))

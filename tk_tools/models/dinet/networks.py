"""DINet's generator: repaints the mouth square of a crop from reference frames so that it speaks the given sound.

Key names are those of `net_g` in the published checkpoints. Discriminator, SyncNet and perceptual loss: nets/.
Source: Zhang et al., "DINet: Deformation Inpainting Network for Realistic Face Visually Dubbing on High Resolution
Video", AAAI 2023; MRzzm/DINet, models/DINet.py. Pictures are RGB in 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from tk_tools.nets.dinet_generator import DubbingGenerator, Prepared
from tk_tools.nets.dinet_layers import (
    PoseEncoder,
    ResidualBlock,
    audio_encoder,
    first_channels,
    picture_decoder,
    picture_encoder,
)

HALF_TURN = 3.14159  # as the original has it


@dataclass(frozen=True)
class DINetConfig:
    """Sizes of a generator; the defaults are the published ones. width: multiplies the published channels.
    audio_channels: of the speech features. references: frames."""

    width: float = 1.0
    audio_channels: int = 29
    references: int = 5


class AdaAT(nn.Module):
    """Adaptive affine transformation: every channel is scaled, turned and moved as a code says.

    As published it samples in 3-D with coordinates that reach the outermost pixels and a sampling that takes -1 and 1
    for their outer edges: even the identity enlarges a little, and an output channel mixes two neighbours. The weights
    were trained with that. The mixing comes first here, since it does not depend on the code.
    """

    def __init__(self, code_size: int = 256, channels: int = 256):
        super().__init__()
        self.channels = channels
        self.commn_linear = nn.Sequential(nn.Linear(code_size, code_size), nn.ReLU())
        self.scale = nn.Sequential(nn.Linear(code_size, channels), nn.Sigmoid())
        self.rotation = nn.Sequential(nn.Linear(code_size, channels), nn.Tanh())
        self.translation = nn.Sequential(nn.Linear(code_size, 2 * channels), nn.Tanh())

    def blend(self, features: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> the same: channel d is what lies at d C / (C - 1) - 1/2 between the channels, 0 outside."""
        count = self.channels
        place = 2 * (torch.arange(count, device=features.device) / (count - 1)) - 1
        place = ((place + 1) * count - 1) / 2  # rounded as the original is
        below = place.floor()
        share = (place - below).to(features.dtype)[:, None, None]
        padded = functional.pad(features, (0, 0, 0, 0, 1, 1))
        below = below.long() + 1
        return (1 - share) * padded[:, below] + share * padded[:, below + 1]

    def grid(self, code: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        """(B, code_size) -> (B, C, H, W, 2): where each channel's features are taken from, x and y."""
        code = self.commn_linear(code)
        heads = (self.scale(code), self.rotation(code), *self.translation(code).view(-1, self.channels, 2).unbind(-1))
        scale, angle, move_x, move_y = (head.float()[:, :, None, None] for head in heads)
        scale, angle = 2 * scale, HALF_TURN * angle
        y, x = (2 * (torch.arange(count, device=code.device) / (count - 1)) - 1 for count in size)
        y = y[:, None]
        cos, sin = angle.cos(), angle.sin()
        planes = (cos * x - sin * y) * scale + move_x, (sin * x + cos * y) * scale + move_y
        return torch.stack(planes, dim=2).permute(0, 1, 3, 4, 2)

    def transform(self, blended: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """What `blend` gave, (B, C, H, W) or (1, C, H, W), and (B, code_size) -> (B, C, H, W)."""
        shape = (len(code), *blended.shape[1:])
        with torch.autocast(blended.device.type, enabled=False):  # half precision misses features by whole pixels
            warped = functional.grid_sample(
                blended.float().expand(shape).reshape(-1, 1, *shape[2:]),
                self.grid(code.float(), shape[2:]).flatten(end_dim=1),
                mode="bilinear",
                padding_mode="zeros",
                align_corners=False,
            )
        return warped.view(shape).to(blended.dtype)

    def forward(self, features: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W), (B, code_size) -> (B, C, H, W)."""
        return self.transform(self.blend(features), code)


class Generator(DubbingGenerator):
    """Draws the mouth into a masked crop; at width 1 it has 19,190,275 parameters."""

    def __init__(self, config: DINetConfig = DINetConfig()):
        super().__init__()
        self.config = config
        first = first_channels(config.width)
        self.source_in_conv = picture_encoder(3, first, norm=True)
        self.ref_in_conv = picture_encoder(3 * config.references, first, norm=True)
        self.trans_conv = PoseEncoder(first, norm=True)
        self.audio_encoder = audio_encoder(config.audio_channels, first, norm=True)
        self.appearance_conv_list = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(2, 4 * first, norm=True) for _ in range(4))) for _ in range(2)
        )
        self.adaAT = AdaAT(4 * first, 4 * first)
        self.out_conv = picture_decoder(first, norm=True)

    def prepare(self, references: torch.Tensor) -> Prepared:
        """(B, 3 * references, H, W), the frames stacked -> all that they alone decide; once a video, for inference."""
        features = self.ref_in_conv(references)
        appearance = self.adaAT.blend(self.appearance_conv_list[0](features))
        return Prepared(self.trans_conv.share(features), appearance)

    def warped(self, appearance: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """(B, 4 first, H/4, W/4) with its channels blended, or of batch 1, and the code -> (B, 4 first, H/4, W/4)."""
        return self.appearance_conv_list[1](self.adaAT.transform(appearance, code))

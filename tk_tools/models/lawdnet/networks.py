"""LawDNet's generator: repaints a masked mouth from reference frames so that it speaks the given sound.

DINet without norms, with a cross attention for the code and a local affine warp in place of AdaAT. Key names are those
of `net_g` in the published checkpoints. Discriminator, SyncNet and losses are DINet's: nets/dinet_*.py, dubbing/.
Source: Deng et al., "LawDNet: Enhanced Audio-Driven Lip Synthesis via Local Affine Warping Deformation", 2024;
iPaw-AI-LAB/LawDNet_2024, models/LawDNet.py and CrossAttention.py. Pictures are RGB in 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from tk_tools.models.lawdnet.local_affine import LocalAffineWarp, WarpField
from tk_tools.nets.dinet_generator import DubbingGenerator, Prepared
from tk_tools.nets.dinet_layers import (
    PoseEncoder,
    ResidualBlock,
    audio_encoder,
    first_channels,
    picture_decoder,
    picture_encoder,
)

POSE_SIZE = (8, 6)  # rows and columns that the attention sees the picture's code at; that of 468x360
SOUND_SIZE = 2  # length of the sound's code


@dataclass(frozen=True)
class LawDNetConfig:
    """Sizes of a generator. The defaults are those of the published checkpoints.

    width: multiplies the published channels. audio_channels: of the speech features. references: frames.
    cross_attention: False in checkpoints of LawDNet's first version. warp_field: see local_affine.py.
    """

    width: float = 1.0
    audio_channels: int = 29
    references: int = 5
    key_points: int = 5
    cross_attention: bool = True
    warp_field: WarpField = "published"


class _OutputReshape(nn.Module):
    def __init__(self, channels: int, code_size: int):
        super().__init__()
        self.conv1 = nn.Conv1d(channels, channels // 2, kernel_size=3, padding=1)
        self.fc = nn.Linear(channels // 2 * (code_size // 2), code_size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels, code_size) -> (B, code_size)."""
        x = functional.max_pool1d(torch.relu(self.conv1(x)), kernel_size=2)
        return torch.relu(self.fc(x.flatten(start_dim=1)))


class CrossAttention(nn.Module):
    """The sound asks, the pose answers; the channels of both are the tokens."""

    def __init__(self, channels: int, code_size: int):
        super().__init__()
        positions = POSE_SIZE[0] * POSE_SIZE[1]
        self.positional_encoding_video = nn.Parameter(torch.randn(channels, *POSE_SIZE))
        self.positional_encoding_audio = nn.Parameter(torch.randn(channels, SOUND_SIZE))
        self.query_proj = nn.Linear(SOUND_SIZE, code_size)
        self.key_proj = nn.Linear(positions, code_size)
        self.value_proj = nn.Linear(positions, code_size)
        self.final_linear = nn.Linear(code_size, code_size)
        self.output_reshape = _OutputReshape(channels, code_size)

    def forward(self, pose: torch.Tensor, sound: torch.Tensor) -> torch.Tensor:
        """(B, channels, h, w) of any size, (B, channels, 2) -> (B, code_size), not negative."""
        if tuple(pose.shape[2:]) != POSE_SIZE:
            pose = functional.interpolate(pose, size=POSE_SIZE, mode="bilinear", align_corners=True)
        pose = (pose + self.positional_encoding_video).flatten(start_dim=2)
        query = self.query_proj(sound + self.positional_encoding_audio)
        attended = functional.scaled_dot_product_attention(query, self.key_proj(pose), self.value_proj(pose))
        return self.output_reshape(self.final_linear(attended))


class Generator(DubbingGenerator):
    """Draws the mouth into a masked crop. At width 1 it has 21,082,691 parameters, of which 16,352,899 are used.

    The published network has two pairs of appearance block and warp and drops the first pair's result; pair 0 is kept
    for the sake of its keys alone, as are the norms of the sound's residual blocks: checkpoints hold them.
    """

    def __init__(self, config: LawDNetConfig = LawDNetConfig()):
        super().__init__()
        self.config = config
        first = first_channels(config.width)
        self.source_in_conv = picture_encoder(3, first, norm=False)
        self.ref_in_conv = picture_encoder(3 * config.references, first, norm=False)
        self.trans_conv = PoseEncoder(first, norm=False)
        self.audio_encoder = audio_encoder(config.audio_channels, first, norm=False)
        for block in self.audio_encoder:
            if isinstance(block, ResidualBlock):
                block.norm1, block.norm2 = (nn.BatchNorm1d(2 * first).requires_grad_(False) for _ in range(2))
        self.appearance_conv_list = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(2, 4 * first) for _ in range(2))) for _ in range(2)
        )
        self.lawLayer_list = nn.ModuleList(
            LocalAffineWarp(4 * first, 4 * first, config.key_points, warp_field=config.warp_field) for _ in range(2)
        )
        for unused in (self.appearance_conv_list[0], self.lawLayer_list[0]):
            unused.requires_grad_(False)
        self.out_conv = picture_decoder(first, norm=False)
        if config.cross_attention:
            self.cross_attention = CrossAttention(2 * first, 4 * first)

    def prepare(self, references: torch.Tensor) -> Prepared:
        """(B, 3 * references, H, W), the frames stacked -> all that they alone decide; once a video, for inference."""
        features = self.ref_in_conv(references)
        return Prepared(self.trans_conv.share(features), self.appearance_conv_list[-1](features))

    def warped(self, appearance: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """(B, 4 first, H/4, W/4), or of batch 1, and the code -> (B, 4 first, H/4, W/4)."""
        return self.lawLayer_list[-1](appearance, code)

    def joined(self, pose: torch.Tensor, sound: torch.Tensor) -> torch.Tensor:
        """The codes as one, by the cross attention where there is one."""
        return self.cross_attention(pose, sound) if self.config.cross_attention else super().joined(pose, sound)

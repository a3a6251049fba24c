"""Wav2Lip's generator and its visual quality discriminator; the sync expert is in nets, since measuring shares it.

Key names are those of the published files (`wav2lip.pth`, `wav2lip_gan.pth`, `visual_quality_disc.pth`).
Source: Prajwal et al., "A Lip Sync Expert Is All You Need", ACM MM 2020, and its code. Pictures are BGR in 0..1.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from tk_tools.nets.blocks import ConvBlock
from tk_tools.nets.sync_expert import FACE_SIZE, SyncExpert, SyncExpertConfig
from tk_tools.nets.width import scaled

HALF = FACE_SIZE // 2  # rows 48..95 are the mouth's half: masked at the input, judged by expert and discriminator


def make_expert(width: float = 1.0) -> SyncExpert:
    """The sync expert at a width; 1.0 is the published one."""
    return SyncExpert(SyncExpertConfig(widths=tuple(scaled(c, width) for c in (32, 64, 128, 256, 512))))


class UpBlock(nn.Module):
    """ConvTranspose2d + BatchNorm2d + ReLU."""

    def __init__(self, channels_in: int, channels_out: int, stride: int = 2, padding: int = 1):
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ConvTranspose2d(
                channels_in, channels_out, kernel_size=3, stride=stride, padding=padding, output_padding=stride - 1
            ),
            nn.BatchNorm2d(channels_out),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels_in, H, W) -> (B, channels_out, H', W')."""
        return torch.relu(self.conv_block(x))


class LeakyBlock(nn.Module):
    """Conv2d + LeakyReLU, without a norm."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int = 3, stride=1, padding: int = 1):
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, kernel_size=kernel, stride=stride, padding=padding)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels_in, H, W) -> (B, channels_out, H', W')."""
        return functional.leaky_relu(self.conv_block(x), negative_slope=0.01)


def _residuals(channels: int, count: int) -> list[ConvBlock]:
    return [ConvBlock(channels, channels, residual=True) for _ in range(count)]


class Generator(nn.Module):
    """Draws the masked lower half of a face so that it speaks 0.2 s of sound.

    `width` multiplies the published channels; 1.0 is the published network (36,298,035 parameters).
    """

    def __init__(self, width: float = 1.0):
        super().__init__()
        self.width = width
        a, b, c, d, e, f = (scaled(channels, width) for channels in (16, 32, 64, 128, 256, 512))
        h = scaled(384, width)
        self.face_encoder_blocks = nn.ModuleList(
            nn.Sequential(*layers)
            for layers in (
                [ConvBlock(6, a, kernel=7, padding=3)],  # 96
                [ConvBlock(a, b, stride=2), *_residuals(b, count=2)],  # 48
                [ConvBlock(b, c, stride=2), *_residuals(c, count=3)],  # 24
                [ConvBlock(c, d, stride=2), *_residuals(d, count=2)],  # 12
                [ConvBlock(d, e, stride=2), *_residuals(e, count=2)],  # 6
                [ConvBlock(e, f, stride=2), *_residuals(f, count=1)],  # 3
                [ConvBlock(f, f, padding=0), ConvBlock(f, f, kernel=1, padding=0)],  # 1
            )
        )
        self.audio_encoder = nn.Sequential(  # h x w
            ConvBlock(1, b),  # 80 x 16
            *_residuals(b, count=2),
            ConvBlock(b, c, stride=(3, 1)),  # 27 x 16
            *_residuals(c, count=2),
            ConvBlock(c, d, stride=3),  # 9 x 6
            *_residuals(d, count=2),
            ConvBlock(d, e, stride=(3, 2)),  # 3 x 3
            *_residuals(e, count=1),
            ConvBlock(e, f, padding=0),  # 1 x 1
            ConvBlock(f, f, kernel=1, padding=0),
        )
        self.face_decoder_blocks = nn.ModuleList(  # after each block the encoder's output of that size is appended
            nn.Sequential(*layers)
            for layers in (
                [ConvBlock(f, f, kernel=1, padding=0)],  # 1
                [UpBlock(f + f, f, stride=1, padding=0), *_residuals(f, count=1)],  # 3
                [UpBlock(f + f, f), *_residuals(f, count=2)],  # 6
                [UpBlock(f + e, h), *_residuals(h, count=2)],  # 12
                [UpBlock(h + d, e), *_residuals(e, count=2)],  # 24
                [UpBlock(e + c, d), *_residuals(d, count=2)],  # 48
                [UpBlock(d + b, c), *_residuals(c, count=2)],  # 96
            )
        )
        self.output_block = nn.Sequential(ConvBlock(c + a, b), nn.Conv2d(b, 3, kernel_size=1))

    def encode_faces(self, faces: torch.Tensor) -> list[torch.Tensor]:
        """(B, 6, 96, 96) -> the seven encoder outputs, from (B, 16, 96, 96) to (B, 512, 1, 1)."""
        scales = []
        for block in self.face_encoder_blocks:
            faces = block(faces)
            scales.append(faces)
        return scales

    def forward(self, mel: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
        """(B, 1, 80, 16), (B, 6, 96, 96) -> (B, 3, 96, 96), and with time (B, T, 1, 80, 16), (B, 6, T, 96, 96).

        faces: channels 0..2 the frame with rows 48..95 zero, 3..5 the reference; mel in [-4, 4].
        """
        batch, with_time = len(faces), faces.dim() == 5
        if with_time:
            faces, mel = fold_time(faces), mel.transpose(0, 1).flatten(end_dim=1)
        picture = torch.sigmoid(self.output_block(self.decode(mel, faces)))
        return unfold_time(picture, batch) if with_time else picture

    def decode(self, mel: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
        """(B, 1, 80, 16), (B, 6, 96, 96) -> (B, 80, 96, 96) at width 1: what output_block makes the picture of."""
        scales = self.encode_faces(faces)
        x = self.audio_encoder(mel)
        for block, scale in zip(self.face_decoder_blocks, reversed(scales), strict=True):
            x = torch.cat([block(x), scale], dim=1)
        return x


class QualityDiscriminator(nn.Module):
    """Tells real lower half faces from made ones; `width` as in Generator (1.0: 14,113,793 parameters)."""

    def __init__(self, width: float = 1.0):
        super().__init__()
        self.width = width
        a, b, c, d, e = (scaled(channels, width) for channels in (32, 64, 128, 256, 512))
        self.face_encoder_blocks = nn.ModuleList(
            nn.Sequential(*layers)
            for layers in (  # h x w
                [LeakyBlock(3, a, kernel=7, padding=3)],  # 48 x 96
                [
                    LeakyBlock(a, b, kernel=5, stride=(1, 2), padding=2),
                    LeakyBlock(b, b, kernel=5, padding=2),
                ],  # 48 x 48
                [LeakyBlock(b, c, kernel=5, stride=2, padding=2), LeakyBlock(c, c, kernel=5, padding=2)],  # 24 x 24
                [LeakyBlock(c, d, kernel=5, stride=2, padding=2), LeakyBlock(d, d, kernel=5, padding=2)],  # 12 x 12
                [LeakyBlock(d, e, stride=2), LeakyBlock(e, e)],  # 6 x 6
                [LeakyBlock(e, e, stride=2), LeakyBlock(e, e)],  # 3 x 3
                [LeakyBlock(e, e, padding=0), LeakyBlock(e, e, kernel=1, padding=0)],  # 1 x 1
            )
        )
        self.binary_pred = nn.Sequential(nn.Conv2d(e, 1, kernel_size=1))

    def features(self, faces: torch.Tensor) -> torch.Tensor:
        """(B, 3, T, 96, 96) -> (T * B, 512, 1, 1), time outermost; only rows 48..95 are looked at."""
        x = fold_time(faces[..., HALF:, :])
        for block in self.face_encoder_blocks:
            x = block(x)
        return x

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        """(B, 3, T, 96, 96) -> (T * B, 1) logits of being real; their sigmoid is the published output."""
        return self.binary_pred(self.features(faces)).flatten(start_dim=1)


def fold_time(x: torch.Tensor) -> torch.Tensor:
    """(B, C, T, H, W) -> (T * B, C, H, W), time outermost."""
    return x.permute(2, 0, 1, 3, 4).flatten(end_dim=1)


def unfold_time(x: torch.Tensor, batch: int) -> torch.Tensor:
    """(T * B, C, H, W) -> (B, C, T, H, W); undoes fold_time."""
    return x.unflatten(dim=0, sizes=(-1, batch)).permute(1, 2, 0, 3, 4)

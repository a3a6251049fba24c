"""DiffVC's decoder: the score network, a U-Net over mels that knows the time, the speaker and a reference.

Key names are the published ones. Source: Popov et al., ICLR 2022; huawei-noah/Speech-Backbones,
DiffVC/model/diffusion.py and modules.py. Group norms, instance norms and attention see padded frames too: the published
numbers are those of one utterance, padded with zeros to a multiple of 4 frames and no further.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from tk_tools.models.diffvc.blocks import Block

TIME_SCALE = 1000.0
HEADS, HEAD_WIDTH = 4, 32
FRAMES_MULTIPLE = 4  # of two halvings


@dataclass(frozen=True)
class ScoreConfig:
    """Sizes of the published decoder. use_reference: whether the reference mel is heard, or the embedding alone."""

    bands: int = 80
    channels: int = 256
    condition: int = 128
    embedding: int = 256
    use_reference: bool = True


class Resnet(nn.Module):
    """Two blocks, the time added between them, beside the input: (B, C_in, H, W) -> (B, C_out, H, W)."""

    def __init__(self, channels_in: int, channels_out: int, time: int):
        super().__init__()
        self.mlp = nn.Sequential(nn.Mish(), nn.Linear(time, channels_out))
        self.block1 = Block(channels_in, channels_out)
        self.block2 = Block(channels_out, channels_out)
        same = channels_in == channels_out
        self.res_conv = nn.Identity() if same else nn.Conv2d(channels_in, channels_out, kernel_size=1)

    def forward(self, x: torch.Tensor, mask: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        y = self.block1(x, mask) + self.mlp(time)[:, :, None, None]
        return self.block2(y, mask) + self.res_conv(x * mask)


class LinearAttention(nn.Module):
    """Attention whose cost grows with the positions, not with their square: (B, C, H, W) -> the same."""

    def __init__(self, channels: int):
        super().__init__()
        inner = HEADS * HEAD_WIDTH
        self.to_qkv = nn.Conv2d(channels, 3 * inner, kernel_size=1, bias=False)
        self.to_out = nn.Conv2d(inner, channels, kernel_size=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, _, height, width = x.shape
        q, k, v = self.to_qkv(x).reshape(batch, 3, HEADS, HEAD_WIDTH, height * width).unbind(dim=1)
        context = k.softmax(dim=-1) @ v.mT  # (B, heads, key, value)
        return self.to_out((context.mT @ q).reshape(batch, HEADS * HEAD_WIDTH, height, width))


class Rezero(nn.Module):
    """A layer times a learned number that begins at 0."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.fn = layer
        self.g = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fn(x) * self.g


class Attention(nn.Module):
    """Linear attention added to its input: (B, C, H, W) -> the same."""

    def __init__(self, channels: int):
        super().__init__()
        self.fn = Rezero(LinearAttention(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.fn(x)


class Halve(nn.Module):
    """(B, C, H, W) -> (B, C, H / 2, W / 2)."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, kernel_size=3, stride=2, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)


class Double(nn.Module):
    """(B, C, H, W) -> (B, C, 2 H, 2 W)."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.ConvTranspose2d(channels, channels, kernel_size=4, stride=2, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)


class GatedBlock(nn.Sequential):
    """Conv2d to twice the channels, instance norm, gate: (B, C_in, H, W) -> (B, C_out, H, W)."""

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__(
            nn.Conv2d(channels_in, 2 * channels_out, kernel_size=3, padding=1),
            nn.InstanceNorm2d(2 * channels_out, affine=True),
            nn.GLU(dim=1),
        )


class ReferenceEncoder(nn.Module):
    """The reference mel (B, 1, 80, T), at the diffusion's time, as one vector (B, condition)."""

    def __init__(self, condition: int, time: int):
        super().__init__()
        base = condition // 4
        self.mlp1 = nn.Sequential(nn.Mish(), nn.Linear(time, base))
        self.mlp2 = nn.Sequential(nn.Mish(), nn.Linear(time, 2 * base))
        self.block11 = GatedBlock(1, base)
        self.block12 = GatedBlock(base, base)
        self.block21 = GatedBlock(base, 2 * base)
        self.block22 = GatedBlock(2 * base, 2 * base)
        self.block31 = GatedBlock(2 * base, 4 * base)
        self.block32 = GatedBlock(4 * base, 4 * base)
        self.final_conv = nn.Conv2d(4 * base, condition, kernel_size=1)

    def forward(self, mel: torch.Tensor, mask: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        """mask (B, 1, 1, T), time (B, channels)."""
        x = self.block12(self.block11(mel * mask) * mask)
        x = x + self.mlp1(time)[:, :, None, None]
        x = self.block22(self.block21(x * mask) * mask)
        x = x + self.mlp2(time)[:, :, None, None]
        x = self.block32(self.block31(x * mask) * mask)
        x = self.final_conv(x * mask)
        return (x * mask).sum(dim=(2, 3)) / (mask.sum(dim=(2, 3)) * x.shape[2])


class ScoreNetwork(nn.Module):
    """The score of a noisy mel; see forward."""

    def __init__(self, config: ScoreConfig = ScoreConfig()):
        super().__init__()
        self.config = config
        base, condition = config.channels, config.condition
        self.mlp = nn.Sequential(nn.Linear(base, 4 * base), nn.Mish(), nn.Linear(4 * base, base))
        known = base + config.embedding
        if config.use_reference:
            self.ref_block = ReferenceEncoder(condition, base)
            known += condition
        self.cond_block = nn.Sequential(nn.Linear(known, 4 * condition), nn.Mish(), nn.Linear(4 * condition, condition))
        widths = (2 + condition, base, 2 * base, 4 * base)
        self.downs = nn.ModuleList()
        for level in range(3):
            narrow, wide = widths[level], widths[level + 1]
            smaller = Halve(wide) if level < 2 else nn.Identity()
            layers = [Resnet(narrow, wide, base), Resnet(wide, wide, base), Attention(wide), smaller]
            self.downs.append(nn.ModuleList(layers))
        self.mid_block1 = Resnet(4 * base, 4 * base, base)
        self.mid_attn = Attention(4 * base)
        self.mid_block2 = Resnet(4 * base, 4 * base, base)
        self.ups = nn.ModuleList()
        for wide, narrow in ((4 * base, 2 * base), (2 * base, base)):
            layers = [Resnet(2 * wide, narrow, base), Resnet(narrow, narrow, base), Attention(narrow), Double(narrow)]
            self.ups.append(nn.ModuleList(layers))
        self.final_block = Block(base, base)
        self.final_conv = nn.Conv2d(base, 1, kernel_size=1)

    def forward(
        self,
        x: torch.Tensor,
        mask: torch.Tensor,
        mean: torch.Tensor,
        reference: torch.Tensor,
        reference_mask: torch.Tensor,
        embedding: torch.Tensor,
        time: torch.Tensor,
    ) -> torch.Tensor:
        """The score (B, 80, T) of the mel x (B, 80, T) at time (B,) in 0..1; T a multiple of 4.

        mask (B, 1, T). mean (B, 80, T): the average voice. reference (B, 80, R) with its mask (B, 1, R): the target's
        mel at that time. embedding (B, 256): of the target's voice.
        """
        position = time_embedding(time, self.config.channels)
        condition = self._condition(position, reference, reference_mask, embedding)
        time = self.mlp(position)
        masks = [mask.unsqueeze(1)]
        h = torch.stack([mean, x], dim=1)
        h = torch.cat([h, condition[:, :, None, None].expand(-1, -1, *h.shape[2:])], dim=1)
        skips = []
        for first, second, attention, halve in self.downs:
            mask = masks[-1]
            h = attention(second(first(h, mask, time), mask, time))
            skips.append(h)
            h = halve(h * mask)
            masks.append(mask[..., ::2])
        masks.pop()
        mask = masks[-1]
        h = self.mid_block2(self.mid_attn(self.mid_block1(h, mask, time)), mask, time)
        for first, second, attention, double in self.ups:
            mask = masks.pop()
            h = torch.cat([h, skips.pop()], dim=1)
            h = attention(second(first(h, mask, time), mask, time))
            h = double(h * mask)
        (mask,) = masks
        h = self.final_block(h, mask)
        return (self.final_conv(h * mask) * mask).squeeze(1)

    def _condition(self, position, reference, reference_mask, embedding) -> torch.Tensor:
        """(B, condition): what is the same for all frames."""
        known = [position]
        if self.config.use_reference:
            known.append(self.ref_block(reference.unsqueeze(1), reference_mask.unsqueeze(1), self.mlp(position)))
        return self.cond_block(torch.cat([*known, embedding], dim=1))


def time_embedding(time: torch.Tensor, channels: int) -> torch.Tensor:
    """Times (B,) -> sines and cosines of 1000 t at `channels` / 2 frequencies: (B, channels)."""
    half = channels // 2
    rates = torch.exp(torch.arange(half, device=time.device) * -(math.log(10000) / (half - 1)))
    angles = TIME_SCALE * time[:, None].float() * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def pad_frames(mel: torch.Tensor) -> torch.Tensor:
    """(..., T) -> (..., T'), T' the next multiple of 4, zeros behind."""
    return functional.pad(mel, (0, -mel.shape[-1] % FRAMES_MULTIPLE))

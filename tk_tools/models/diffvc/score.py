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

from tk_tools.models.diffvc.blocks import Block, FrameMask
from tk_tools.models.diffvc.fast_layers import use_fast_layers
from tk_tools.nets.winograd import WinogradConv2d

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

    def forward(self, x: torch.Tensor, mask: FrameMask, time: torch.Tensor) -> torch.Tensor:
        y = self.block1(x, mask)
        y += self.mlp(time)[:, :, None, None]
        y = self.block2(y, mask)
        y += self.res_conv(mask(x))
        return y


class ConditionedConv2d(nn.Conv2d):
    """Conv2d of pictures (B, C, H, W) whose further channels, numbers (B, N), are the same in every place that counts.

    Of those channels nothing is convolved but the mask, once for each item, with what they all make together.
    """

    def forward(self, x: torch.Tensor, numbers: torch.Tensor, mask: FrameMask) -> torch.Tensor:
        drawn, spread = self.weight.split([x.shape[1], numbers.shape[1]], dim=1)
        y = functional.conv2d(mask(x), drawn, self.bias, padding=self.padding)
        kernels = torch.einsum("oihw,bi->bohw", spread, numbers).flatten(end_dim=1).unsqueeze(1)
        rows = mask.mask.expand(len(x), 1, 3, -1).transpose(0, 1)  # the first, the last, and any between
        first, between, last = (
            functional.conv2d(rows, kernels, padding=self.padding, groups=len(x)).view(len(x), -1, 3, 1, x.shape[-1])
        ).unbind(dim=2)
        return y + torch.cat([first, between.expand(-1, -1, x.shape[2] - 2, -1), last], dim=2)


class FirstResnet(Resnet):
    """The Resnet of the pictures that go in and the condition, (B, channels) numbers that are the same everywhere."""

    def __init__(self, pictures: int, condition: int, channels_out: int, time: int):
        super().__init__(pictures + condition, channels_out, time)
        self.block1.block[0] = ConditionedConv2d(pictures + condition, channels_out, kernel_size=3, padding=1)
        self.res_conv = ConditionedConv2d(pictures + condition, channels_out, kernel_size=1)

    def forward(self, x: torch.Tensor, condition: torch.Tensor, mask: FrameMask, time: torch.Tensor) -> torch.Tensor:
        conv, norm, activation = self.block1.block
        y = activation(norm(conv(x, condition, mask)))
        y += self.mlp(time)[:, :, None, None]
        y = self.block2(y, mask)
        y += self.res_conv(x, condition, mask)
        return y


class LinearAttention(nn.Module):
    """Attention whose cost grows with the positions, not with their square: (B, C, H, W) -> the same."""

    def __init__(self, channels: int):
        super().__init__()
        inner = HEADS * HEAD_WIDTH
        self.to_qkv = nn.Conv2d(channels, 3 * inner, kernel_size=1, bias=False)
        self.to_out = nn.Conv2d(inner, channels, kernel_size=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, _, height, width = x.shape
        qkv = self.to_qkv(x).permute(0, 2, 3, 1).reshape(batch, height * width, 3, HEADS, HEAD_WIDTH)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, heads, positions, 32)
        context = k.softmax(dim=-2).mT @ v
        y = (q @ context).transpose(1, 2).reshape(batch, height, width, HEADS * HEAD_WIDTH)
        return self.to_out(y.permute(0, 3, 1, 2))


class Rezero(nn.Module):
    """A layer and a learned number, with which its result is to be multiplied; it begins at 0."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.fn = layer
        self.g = nn.Parameter(torch.zeros(1))


class Attention(nn.Module):
    """Linear attention times a learned number, added to its input: (B, C, H, W) -> the same."""

    def __init__(self, channels: int):
        super().__init__()
        self.fn = Rezero(LinearAttention(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.addcmul(x, self.fn.fn(x), self.fn.g)


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
            WinogradConv2d(channels_in, 2 * channels_out),
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
        kept = FrameMask(mask)
        x = self.block12(kept(self.block11(mel * mask)))
        x = x + self.mlp1(time)[:, :, None, None]
        x = self.block22(kept(self.block21(kept(x))))
        x = x + self.mlp2(time)[:, :, None, None]
        x = self.block32(kept(self.block31(kept(x))))
        x = kept(self.final_conv(kept(x)))
        return x.sum(dim=(2, 3)) / (mask.sum(dim=(2, 3)) * x.shape[2])


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
        self.downs = nn.ModuleList()
        for level, wide in enumerate((base, 2 * base, 4 * base)):
            first = Resnet(wide // 2, wide, base) if level else FirstResnet(2, condition, wide, base)
            smaller = Halve(wide) if level < 2 else nn.Identity()
            self.downs.append(nn.ModuleList([first, Resnet(wide, wide, base), Attention(wide), smaller]))
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
        return self.score(x, mask, mean, self.condition(reference, reference_mask, embedding, time), time)

    def condition(
        self, reference: torch.Tensor, reference_mask: torch.Tensor, embedding: torch.Tensor, time: torch.Tensor
    ) -> torch.Tensor:
        """What is known of the target at that time, (B, condition): the same for all that is converted to its voice."""
        position = time_embedding(time, self.config.channels)
        known = [position]
        if self.config.use_reference:
            known.append(self.ref_block(reference.unsqueeze(1), reference_mask.unsqueeze(1), self.mlp(position)))
        return self.cond_block(torch.cat([*known, embedding], dim=1))

    def score(
        self, x: torch.Tensor, mask: torch.Tensor, mean: torch.Tensor, condition: torch.Tensor, time: torch.Tensor
    ) -> torch.Tensor:
        """`forward` with the condition (B, condition) in place of what it is made from."""
        time = self.mlp(time_embedding(time, self.config.channels))
        h = torch.stack([mean, x], dim=1)
        masks, skips = [FrameMask(mask.unsqueeze(1))], []
        for level, (first, second, attention, halve) in enumerate(self.downs):
            mask = masks[-1]
            h = first(h, mask, time) if level else first(h, condition, mask, time)
            h = attention(second(h, mask, time))
            skips.append(h)
            h = halve(mask(h))
            masks.append(mask.halved())
        masks.pop()
        mask = masks[-1]
        h = self.mid_block2(self.mid_attn(self.mid_block1(h, mask, time)), mask, time)
        for first, second, attention, double in self.ups:
            mask = masks.pop()
            h = torch.cat([h, skips.pop()], dim=1)
            h = attention(second(first(h, mask, time), mask, time))
            h = double(mask(h))
        (mask,) = masks
        h = self.final_block(h, mask)
        return mask(self.final_conv(mask(h))).squeeze(1)

    def for_inference(self, fast_layers: bool) -> ScoreNetwork:
        """The same numbers, sooner: laid out as convolutions are fastest and, if asked, with other layers (for single
        precision on a processor). In place; the state dict is then no longer the published one."""
        if fast_layers:
            use_fast_layers(self)
        return self.to(memory_format=torch.channels_last)


def time_embedding(time: torch.Tensor, channels: int) -> torch.Tensor:
    """Times (B,) -> sines and cosines of 1000 t at `channels` / 2 frequencies: (B, channels)."""
    half = channels // 2
    rates = torch.exp(torch.arange(half, device=time.device) * -(math.log(10000) / (half - 1)))
    angles = TIME_SCALE * time[:, None].float() * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def pad_frames(mel: torch.Tensor) -> torch.Tensor:
    """(..., T) -> (..., T'), T' the next multiple of 4, zeros behind."""
    return functional.pad(mel, (0, -mel.shape[-1] % FRAMES_MULTIPLE))

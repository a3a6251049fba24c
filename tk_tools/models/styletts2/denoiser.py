"""The transformer that denoises styles, told what PL-BERT knows of the text, the noise and, of many voices, the voice.

State dicts bear the published keys. The published code took padding for text; here a batch of texts of several lengths
gives the numbers of each text alone, if it is told what is padding.
Source: Li et al., NeurIPS 2023, section 3; yl4579/StyleTTS2, Modules/diffusion/modules.py.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tk_tools.models.styletts2.layers import StyledLayerNorm
from tk_tools.models.styletts2.sizes import DenoiserSizes, Sizes


class TimeWaves(nn.Module):
    """Times (B,) -> (B, 1 + 2 n): the time itself, and sines and cosines of it at n learned frequencies."""

    def __init__(self, count: int):
        super().__init__()
        self.weights = nn.Parameter(torch.randn(count))

    def forward(self, time: Tensor) -> Tensor:
        time = time.unsqueeze(-1)
        phases = 2 * torch.pi * time * self.weights
        return torch.cat([time, phases.sin(), phases.cos()], dim=-1)


class AttentionOut(nn.Module):
    """The last layer of an attention, under its published name."""

    def __init__(self, features_in: int, features_out: int):
        super().__init__()
        self.to_out = nn.Linear(features_in, features_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.to_out(x)


class Attention(nn.Module):
    """Of each place to all: (B, T, F) -> (B, T, F). reference: features of a voice, which its norms are told of."""

    def __init__(self, features: int, sizes: DenoiserSizes, reference: int | None):
        super().__init__()
        self.heads = sizes.heads
        inner = sizes.heads * sizes.head_features
        self.norm, self.norm_context = (
            nn.LayerNorm(features) if reference is None else StyledLayerNorm(reference, features) for _ in range(2)
        )
        self.to_q = nn.Linear(features, inner, bias=False)
        self.to_kv = nn.Linear(features, 2 * inner, bias=False)
        self.attention = AttentionOut(inner, features)

    def forward(self, x: Tensor, *voice: Tensor, seen: Tensor | None = None) -> Tensor:
        """voice: nothing, or (B, reference); seen: (B, 1, 1, T) bool, the places that are looked at; None: all."""
        query = self.to_q(self.norm(x, *voice))
        both = self.to_kv(self.norm_context(x, *voice)).chunk(2, dim=-1)
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (query, *both))
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        return self.attention(found.transpose(1, 2).flatten(start_dim=2))


class Block(nn.Module):
    """Attention, then two layers at each place, both beside their input."""

    def __init__(self, features: int, sizes: DenoiserSizes, reference: int | None):
        super().__init__()
        self.attention = Attention(features, sizes, reference)
        inner = features * sizes.multiplier
        self.feed_forward = nn.Sequential(nn.Linear(features, inner), nn.GELU(), nn.Linear(inner, features))

    def forward(self, x: Tensor, *voice: Tensor, seen: Tensor | None = None) -> Tensor:
        x = x + self.attention(x, *voice, seen=seen)
        return x + self.feed_forward(x)

    def mean(self, x: Tensor, *voice: Tensor, seen: Tensor | None = None, padding: Tensor | None = None) -> Tensor:
        """The mean (B, F) over the places; the last layer then has one place to work on."""
        widen, curve, narrow = self.feed_forward
        x = x + self.attention(x, *voice, seen=seen)
        return _mean(x, padding) + narrow(_mean(curve(widen(x)), padding))


class NoText(nn.Module):
    """What stands in place of a text: a learned row for each place, under its published name."""

    def __init__(self, places: int, features: int):
        super().__init__()
        self.embedding = nn.Embedding(places, features)

    def forward(self, like: Tensor) -> Tensor:
        """A text (B, T, F) -> (B, T, F) that stands for none."""
        return self.embedding.weight[: like.shape[1]].expand_as(like)


class Denoiser(nn.Module):
    """A noisy style and what is known -> the network's answer, which `StyleDiffusion` turns into a style."""

    def __init__(self, sizes: Sizes = Sizes()):
        super().__init__()
        both = 2 * sizes.style
        features = both + sizes.bert.width
        reference = both if sizes.many_voices else None
        self.blocks = nn.ModuleList(Block(features, sizes.denoiser, reference) for _ in range(sizes.denoiser.layers))
        self.to_out = nn.Sequential(nn.Identity(), nn.Conv1d(features, both, 1))  # its published key is to_out.1
        self.to_mapping = nn.Sequential(
            nn.Linear(features, features), nn.GELU(), nn.Linear(features, features), nn.GELU()
        )
        self.to_time = nn.Sequential(nn.Sequential(TimeWaves(sizes.style), nn.Linear(1 + both, features)), nn.GELU())
        if reference is not None:
            self.to_features = nn.Sequential(nn.Linear(reference, features), nn.GELU())
        self.fixed_embedding = NoText(sizes.bert.positions, sizes.bert.width)

    def forward(
        self,
        style: Tensor,
        time: Tensor,
        text: Tensor,
        voice: Tensor | None = None,
        padding: Tensor | None = None,
    ) -> Tensor:
        """style (B, 2 S), time (B,), text (B, T, width) of PL-BERT, voice (B, 2 S) of a reference, which those of many
        voices need, padding (B, T) bool, True behind each text's end -> (B, 2 S)."""
        known = self.to_time(time)
        voices = () if voice is None else (voice,)
        if voice is not None:
            known = known + self.to_features(voice)
        known = self.to_mapping(known).unsqueeze(1)
        x = torch.cat([style.unsqueeze(1).expand(-1, text.shape[1], -1), text], dim=-1)
        seen = None if padding is None else ~padding[:, None, None]
        *blocks, last = self.blocks
        for block in blocks:
            x = block(x + known, *voices, seen=seen)
        found = last.mean(x + known, *voices, seen=seen, padding=padding)
        return self.to_out(found.unsqueeze(-1)).squeeze(-1)

    def no_text(self, text: Tensor) -> Tensor:
        """What stands for no text, in the shape of one."""
        return self.fixed_embedding(text)


def _mean(x: Tensor, padding: Tensor | None) -> Tensor:
    """(B, T, F) -> (B, F), over what is no padding (B, T)."""
    if padding is None:
        return x.mean(dim=1)
    inside = (~padding).to(x).unsqueeze(-1)
    return (x * inside).sum(dim=1) / inside.sum(dim=1)

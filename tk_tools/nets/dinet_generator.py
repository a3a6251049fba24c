"""What the generators of DINet and LawDNet have in common: a mouth is drawn from the source and warped references.

Source: MRzzm/DINet, models/DINet.py; iPaw-AI-LAB/LawDNet_2024, models/LawDNet.py. Pictures are RGB in 0..1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import nn

from tk_tools.nets.dinet_fast import use_fast_layers


class Prepared(NamedTuple):
    """What a generator needs of a video's references. share: (B, 2 first, H/4, W/4), for the pose encoder;
    appearance: (B, 4 first, H/4, W/4), what is warped."""

    share: torch.Tensor
    appearance: torch.Tensor


class DubbingGenerator(nn.Module, ABC):
    """Draws the mouth into a masked crop. A system has the layers source_in_conv, trans_conv, audio_encoder, out_conv,
    under their published names, and adds what it makes of the references."""

    source_in_conv: nn.Module
    trans_conv: nn.Module
    audio_encoder: nn.Module
    out_conv: nn.Sequential

    @abstractmethod
    def prepare(self, references: torch.Tensor) -> Prepared:
        """(B, 3 * references, H, W), the frames stacked -> all that they alone decide; once a video, for inference."""

    @abstractmethod
    def warped(self, appearance: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """What `prepare` gave, and (B, 4 first) -> the references' features where the mouth needs them."""

    def forward(self, source: torch.Tensor, audio: torch.Tensor, references: torch.Tensor | Prepared) -> torch.Tensor:
        """(B, 3, H, W) with the mouth masked, (B, audio_channels, 5), (B, 3 * references, H, W) -> (B, 3, H, W).

        The audio's third frame is that of the picture. Sides are multiples of 4. `references` may be what `prepare`
        made of them, of batch B, or of batch 1 for all.
        """
        return torch.sigmoid(self.draw(source, audio, references))

    def draw(self, source: torch.Tensor, audio: torch.Tensor, references: torch.Tensor | Prepared) -> torch.Tensor:
        """As forward, before the sigmoid."""
        prepared = references if isinstance(references, Prepared) else self.prepare(references)
        features = self.source_in_conv(source)
        code = self.code(features, audio, prepared.share)
        return self.out_conv(torch.cat([features, self.warped(prepared.appearance, code)], dim=1))

    def code(self, features: torch.Tensor, audio: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
        """Features of the source (B, 4 first, H/4, W/4), the sound and the references' share -> (B, 4 first)."""
        return self.joined(self.trans_conv(features, share), self.audio_encoder(audio))

    def joined(self, pose: torch.Tensor, sound: torch.Tensor) -> torch.Tensor:
        """The codes (B, 2 first, h, w) and (B, 2 first, 2) as one, (B, 4 first)."""
        return torch.cat([pose.mean(dim=(2, 3)), sound.mean(dim=2)], dim=1)

    def for_inference(self) -> DubbingGenerator:
        """The same numbers, sooner, in place and for good: nothing can be trained or saved from it.

        Call it on the device that it will run on. On a processor, in single precision alone, the convolutions are
        computed in other ways.
        """
        self.eval().requires_grad_(False)
        if self.out_conv[-1].weight.device.type == "cpu":
            use_fast_layers(self)
        return self

"""StyleTTS 2 as a whole: what speaks, under the names that its parts have in published checkpoints."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tk_tools.models.styletts2.decoder import Decoder
from tk_tools.models.styletts2.plbert import new_plbert
from tk_tools.models.styletts2.prosody import ProsodyPredictor
from tk_tools.models.styletts2.sizes import Sizes
from tk_tools.models.styletts2.style_diffusion import StyleDiffusion
from tk_tools.models.styletts2.style_encoder import StyleEncoder
from tk_tools.models.styletts2.text_encoder import TextEncoder
from tk_tools.nets.hifigan import fold_weight_norm


class StyleTTS2(nn.Module):
    """The parts that speak; training has more of them. sigma_data: see StyleDiffusion. MissingPackage: transformers."""

    def __init__(self, sizes: Sizes = Sizes(), sigma_data: float | None = None):
        super().__init__()
        self.sizes = sizes
        self.bert = new_plbert(sizes)
        self.bert_encoder = nn.Linear(sizes.bert.width, sizes.hidden)
        self.predictor = ProsodyPredictor(sizes)
        self.decoder = Decoder(sizes)
        self.text_encoder = TextEncoder(sizes)
        self.predictor_encoder = StyleEncoder(sizes)
        self.style_encoder = StyleEncoder(sizes)
        self.diffusion = StyleDiffusion(sizes, sigma_data)

    def for_inference(self) -> StyleTTS2:
        """The same numbers, sooner, in place and for good: nothing can be trained or saved from it.

        Call it on the device that it will run on.
        """
        self.eval().requires_grad_(False)
        fold_weight_norm(self)
        self.decoder.for_inference()
        return self

    def styles(self, mel: Tensor) -> Tensor:
        """Normalised log-mel (B, 80, frames) of recordings -> (B, 2 S), the acoustic style before the prosodic one."""
        return torch.cat([self.style_encoder(mel), self.predictor_encoder(mel)], dim=-1)

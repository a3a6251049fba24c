"""The decoder: text laid out over time, pitch, energy and an acoustic style -> the waveform.

State dicts bear the published keys. Source: Li et al., NeurIPS 2023, appendix; yl4579/StyleTTS2, Modules/hifigan.py
and istftnet.py.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tk_tools.models.styletts2.fast_generator import use_fast_layers
from tk_tools.models.styletts2.hifigan import HiFiGANGenerator
from tk_tools.models.styletts2.istftnet import ISTFTNetGenerator
from tk_tools.models.styletts2.layers import StyledBlock
from tk_tools.models.styletts2.sizes import Sizes
from tk_tools.nets.hifigan import fold_weight_norm, with_weight_norm
from tk_tools.nets.noise import Noise

PITCH_BOXES = (1, 3, 7)  # frames that pitch and energy are averaged over in training; one is drawn for each batch
ENERGY_BOXES = (1, 3, 7, 15)
GENERATORS = {"hifigan": HiFiGANGenerator, "istftnet": ISTFTNetGenerator}


class Decoder(nn.Module):
    """Text (B, hidden, steps), pitch in Hz and energy (B, 2 steps), style (B, S) -> waveform (B, STEP * steps)."""

    def __init__(self, sizes: Sizes = Sizes()):
        super().__init__()
        inner, style = sizes.decoder, sizes.style
        beside = inner.channels + inner.residual + 2  # of what came before, the text, pitch and energy
        self.encode = StyledBlock(sizes.hidden + 2, inner.channels, style)
        self.decode = nn.ModuleList(StyledBlock(beside, inner.channels, style) for _ in range(3))
        self.decode.append(StyledBlock(beside, inner.generator_channels, style, twice=True))
        self.F0_conv = with_weight_norm(nn.Conv1d(1, 1, 3, stride=2, padding=1))
        self.N_conv = with_weight_norm(nn.Conv1d(1, 1, 3, stride=2, padding=1))
        self.asr_res = nn.Sequential(with_weight_norm(nn.Conv1d(sizes.hidden, inner.residual, 1)))
        self.generator = GENERATORS[inner.kind](inner, style)

    def forward(
        self, text: Tensor, pitch: Tensor, energy: Tensor, style: Tensor, noise: Noise = torch.randn_like
    ) -> Tensor:
        if self.training:
            pitch, energy = _smoothed(pitch, PITCH_BOXES), _smoothed(energy, ENERGY_BOXES)
        curves = [self.F0_conv(pitch.unsqueeze(1)), self.N_conv(energy.unsqueeze(1))]
        x = self.encode(torch.cat([text, *curves], dim=1), style)
        residual = self.asr_res(text)
        for block in self.decode:
            x = block(torch.cat([x, residual, *curves], dim=1), style)
        return self.generator(x, style, pitch, noise)

    def for_inference(self) -> Decoder:
        """The same numbers, sooner, in place and for good: nothing can be trained or saved from it.

        Call it on the device that it will run on; on a processor the generator's layers are replaced.
        """
        self.eval().requires_grad_(False)
        fold_weight_norm(self)
        if self.generator.conv_post.weight.device.type == "cpu":
            use_fast_layers(self.generator)
        return self


def _smoothed(curve: Tensor, boxes: tuple[int, ...]) -> Tensor:
    """A curve (B, frames) averaged over one of the boxes, drawn; behind its ends are zeros."""
    box = boxes[int(torch.randint(len(boxes), ()))]
    return functional.avg_pool1d(curve, box, stride=1, padding=box // 2)

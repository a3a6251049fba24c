"""The HiFi-GAN generator under a style, which makes samples.

Source: Li et al., NeurIPS 2023, appendix; yl4579/StyleTTS2, Modules/hifigan.py.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tk_tools.models.styletts2.generator import Generator, snake
from tk_tools.models.styletts2.sizes import HIFIGAN, DecoderSizes
from tk_tools.nets.hifigan import with_weight_norm
from tk_tools.nets.noise import Noise


class HiFiGANGenerator(Generator):
    """(B, C, frames), style (B, S) and pitch (B, frames) in Hz -> waveform (B, HOP * frames) in -1..1."""

    def __init__(self, sizes: DecoderSizes = HIFIGAN, style: int = 128):
        super().__init__(sizes, style, sources=1)
        widths = [sizes.generator_channels // 2**place for place in range(len(sizes.rates) + 1)]
        self.alphas = nn.ParameterList(nn.Parameter(torch.ones(1, width, 1)) for width in widths)
        self.conv_post = with_weight_norm(nn.Conv1d(self.channels, 1, 7, padding=3))

    @staticmethod
    def up(channels_in: int, channels_out: int, rate: int) -> nn.ConvTranspose1d:
        odd = rate % 2
        return nn.ConvTranspose1d(
            channels_in, channels_out, 2 * rate, stride=rate, padding=rate // 2 + odd, output_padding=odd
        )

    def forward(self, x: Tensor, style: Tensor, pitch: Tensor, noise: Noise = torch.randn_like) -> Tensor:
        source = self.laid_out(self.m_source(pitch, noise).unsqueeze(1))
        x = self.laid_out(x)
        for stage, up in enumerate(self.ups):
            excited = self.noise_res[stage](self.noise_convs[stage](source), style)
            x = up(snake(x, self.alphas[stage])) + excited
            x = self.blocks(stage, x, style)
        return torch.tanh(self.sequence(self.conv_post(snake(x, self.alphas[-1])))).squeeze(1)

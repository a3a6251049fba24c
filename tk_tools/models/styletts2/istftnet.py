"""The iSTFTNet generator under a style, which makes magnitudes and phases for an inverse Fourier transform.

Source: Kaneko et al., "iSTFTNet", ICASSP 2022; Li et al., NeurIPS 2023, appendix; yl4579/StyleTTS2,
Modules/istftnet.py.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tk_tools.audio.log_mel import reflected
from tk_tools.models.styletts2.generator import Generator
from tk_tools.models.styletts2.sizes import ISTFTNET, DecoderSizes
from tk_tools.nets.hifigan import LAST_SLOPE, SLOPE, with_weight_norm
from tk_tools.nets.noise import Noise


class ISTFTNetGenerator(Generator):
    """(B, C, frames), style (B, S) and pitch (B, frames) in Hz -> waveform (B, HOP * frames), which nothing bounds."""

    def __init__(self, sizes: DecoderSizes = ISTFTNET, style: int = 128):
        size = sizes.transform_size
        super().__init__(sizes, style, sources=size + 2)
        self.size, self.hop = size, sizes.transform_hop
        # Rounded once, as the published code has it: the first and the last frame are symmetric, so that the signs of
        # their imaginary parts, and with them the phases, follow from the last digits of the window.
        window = torch.hann_window(size, dtype=torch.float64).float()
        self.register_buffer("window", window, persistent=False)
        self.conv_post = with_weight_norm(nn.Conv1d(self.channels, size + 2, 7, padding=3))

    @staticmethod
    def up(channels_in: int, channels_out: int, rate: int) -> nn.ConvTranspose1d:
        return nn.ConvTranspose1d(channels_in, channels_out, 2 * rate, stride=rate, padding=rate // 2)

    def forward(self, x: Tensor, style: Tensor, pitch: Tensor, noise: Noise = torch.randn_like) -> Tensor:
        with torch.no_grad():
            source = self.transform(self.m_source(pitch, noise))
        return self.voice(x, style, source)

    def transform(self, wave: Tensor) -> Tensor:
        """(B, samples) -> magnitudes and, behind them, phases in -pi..pi: (B, size + 2, samples / hop + 1).

        The phases jump where they meet +-pi, and those of the first and the last bin, which are real, with the sign of
        a zero: the network has learned from such input.
        """
        spectrum = torch.stft(wave, self.size, self.hop, window=self.window, return_complex=True)
        return torch.cat([spectrum.abs(), spectrum.angle()], dim=1)

    def voice(self, x: Tensor, style: Tensor, source: Tensor) -> Tensor:
        """`forward` with the excitation's transform."""
        x, source = self.laid_out(x), self.laid_out(source)
        last = len(self.ups) - 1
        for stage, up in enumerate(self.ups):
            excited = self.noise_res[stage](self.noise_convs[stage](source), style)
            x = up(functional.leaky_relu(x, SLOPE))
            if stage == last:
                x = reflected(x, 1, 0)
            x = self.blocks(stage, x + excited, style)
        x = self.sequence(self.conv_post(functional.leaky_relu(x, LAST_SLOPE)))
        magnitude, phase = x.tensor_split([self.size // 2 + 1], dim=1)
        spectrum = torch.polar(torch.exp(magnitude), torch.sin(phase))
        return torch.istft(spectrum, self.size, self.hop, window=self.window)

"""24 kHz -> the 16 kHz that WavLM hears, differentiably and as torchaudio does it; for files: tk_tools.files.resample.

A low-pass of windowed sinc, twelve zero crossings wide. Source: torchaudio.functional.resample (sinc_interp_hann).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

GIVEN, HEARD = 3, 2  # samples of the two rates in the same time
CROSSINGS = 6  # zero crossings to each side
ROLLOFF = 0.99  # the cut-off, of half the lower rate
WIDTH = math.ceil(CROSSINGS * GIVEN / (HEARD * ROLLOFF))  # samples to each side


def kernels() -> Tensor:
    """What each of HEARD results is made with: (HEARD, 1, 2 WIDTH + GIVEN) float32."""
    offsets = torch.arange(-WIDTH, WIDTH + GIVEN, dtype=torch.float64) / GIVEN
    times = (offsets - torch.arange(HEARD, dtype=torch.float64)[:, None, None] / HEARD) * (HEARD * ROLLOFF)
    times = times.clamp(-CROSSINGS, CROSSINGS)
    window = torch.cos(times * torch.pi / CROSSINGS / 2).square()
    return (torch.sinc(times) * window * (HEARD * ROLLOFF / GIVEN)).float()


class To16k(nn.Module):
    """Waveforms (B, samples) at 24 kHz -> (B, two thirds of them, rounded up) at 16 kHz."""

    def __init__(self):
        super().__init__()
        self.register_buffer("kernels", kernels(), persistent=False)

    def forward(self, wave: Tensor) -> Tensor:
        samples = wave.shape[-1]
        padded = functional.pad(wave.unsqueeze(1), (WIDTH, WIDTH + GIVEN))
        heard = functional.conv1d(padded, self.kernels, stride=GIVEN).mT.flatten(start_dim=1)
        return heard[:, : -(-samples * HEARD // GIVEN)]

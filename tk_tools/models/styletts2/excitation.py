"""The excitation that the decoder shapes into a voice: nine harmonics of the pitch, and noise.

The harmonics' phases are those of the published code: the pitch of each frame, cumulated and laid out linearly between
the middles of the frames, so that the first and the last half frame stand still. Within a frame they are reckoned from
its own beginning, so that they stay true however long the speech is.
Source: Wang et al., "Neural source-filter-based waveform model", 2019; yl4579/StyleTTS2, Modules/hifigan.py.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tk_tools.models.styletts2.sizes import HOP, SAMPLE_RATE, VOICED_FROM
from tk_tools.nets.noise import Noise

HARMONICS = 9
LOUDNESS = 0.1  # amplitude of a harmonic
BREATH = 0.003  # deviation of the noise where there is a voice
HISS = LOUDNESS / 3  # and where there is none


def harmonics(pitch: Tensor) -> Tensor:
    """Pitch (B, frames) in Hz -> sines of its harmonics, (B, HOP * frames, HARMONICS) float32, of amplitude 1."""
    pitch = pitch.float()  # bfloat16 would round the phases to a hundredth of a turn
    multiples = torch.arange(1, HARMONICS + 1, device=pitch.device)
    turns = (pitch.double().unsqueeze(-1) * multiples / SAMPLE_RATE) % 1  # of each sample, (B, frames, harmonics)
    middles = ((turns.cumsum(dim=1) * HOP) % 1).to(pitch).unsqueeze(2)
    turns = turns.to(pitch)
    along = (torch.arange(HOP, device=pitch.device) + 0.5).view(HOP, 1)
    between = middles[:, :-1] + along * turns[:, 1:].unsqueeze(2)
    half = HOP // 2
    still = [middles[:, place].expand(-1, half, -1) for place in (0, -1)]
    phases = torch.cat([still[0], between.flatten(1, 2), still[1]], dim=1)
    return torch.sin(2 * torch.pi * phases)


class Excitation(nn.Module):
    """Pitch (B, frames) in Hz -> (B, HOP * frames) within +-1; the harmonics are weighed by what it has learned. In
    single precision whatever the others do."""

    def __init__(self):
        super().__init__()
        self.l_linear = nn.Linear(HARMONICS, 1)

    def forward(self, pitch: Tensor, noise: Noise = torch.randn_like) -> Tensor:
        pitch = pitch.float()
        with torch.no_grad():
            sines = harmonics(pitch)
            voiced = (pitch > VOICED_FROM).to(sines).repeat_interleave(HOP, dim=1).unsqueeze(-1)
            amount = HISS + (BREATH - HISS) * voiced
            sources = sines * (LOUDNESS * voiced) + amount * noise(sines)
        with torch.autocast(pitch.device.type, enabled=False):
            return torch.tanh(self.l_linear(sources)).squeeze(-1)

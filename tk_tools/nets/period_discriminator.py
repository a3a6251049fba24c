"""Discriminators that look at every p-th sample of a waveform, of HiFi-GAN and what came after it.

State dicts bear the published keys. Source: Kong et al., "HiFi-GAN", NeurIPS 2020; jik876/hifi-gan, models.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from tk_tools.audio.log_mel import reflected
from tk_tools.nets.hifigan import SLOPE, with_weight_norm

PERIODS = (2, 3, 5, 7, 11)


class Judgement(NamedTuple):
    """What one discriminator finds of a batch: scores (B, n), near 1 for real, and the maps of its layers."""

    scores: Tensor
    maps: list[Tensor]


def judge(x: Tensor, layers: nn.ModuleList, last: nn.Module) -> Judgement:
    """What layers with leaky ReLUs behind them, and a last one without, find of (B, C, ...)."""
    maps = []
    for layer in layers:
        x = functional.leaky_relu(layer(x), SLOPE)
        maps.append(x)
    scores = last(x)
    maps.append(scores)
    return Judgement(scores.flatten(start_dim=1), maps)


class PeriodDiscriminator(nn.Module):
    """Sees a waveform as a picture of rows of `period` samples, through convolutions along its columns."""

    LAYERS = ((32, 3), (128, 3), (512, 3), (1024, 3), (1024, 1))  # channels, stride

    def __init__(self, period: int, width: float = 1.0):
        super().__init__()
        self.period = period
        self.convs = nn.ModuleList()
        channels_in = 1
        for published, stride in self.LAYERS:
            channels = round(published * width)
            layer = nn.Conv2d(channels_in, channels, (5, 1), stride=(stride, 1), padding=(2, 0))
            self.convs.append(with_weight_norm(layer))
            channels_in = channels
        self.conv_post = with_weight_norm(nn.Conv2d(channels_in, 1, (3, 1), padding=(1, 0)))

    def forward(self, wave: Tensor) -> Judgement:
        """wave (B, 1, T); maps are (B, C, T', period)."""
        wave = reflected(wave, 0, -wave.shape[-1] % self.period)
        return judge(wave.unflatten(2, (-1, self.period)), self.convs, self.conv_post)


class Several(nn.Module):
    """Discriminators in a list, under the published name."""

    def __init__(self, discriminators: Sequence[nn.Module]):
        super().__init__()
        self.discriminators = nn.ModuleList(discriminators)


class MultiPeriodDiscriminator(Several):
    """One for each of PERIODS."""

    def __init__(self, width: float = 1.0):
        super().__init__([PeriodDiscriminator(period, width) for period in PERIODS])

    def forward(self, wave: Tensor) -> list[Judgement]:
        return [discriminator(wave) for discriminator in self.discriminators]

"""HiFi-GAN's discriminators: five that look at every p-th sample, three at the sound at falling rates.

State dicts bear the published keys (`mpd.` and `msd.` of the files do_XXXXXXXX).
Source: Kong et al., NeurIPS 2020; jik876/hifi-gan, models.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import spectral_norm  # the newer one of parametrizations names its weights otherwise
from torch.nn.utils.parametrize import cached

from tk_tools.audio.log_mel import reflected
from tk_tools.nets.hifigan import SLOPE, with_weight_norm

PERIODS = (2, 3, 5, 7, 11)
SCALES = 3
WIDEST = 1024  # channels of the last layers at width 1


class Judgement(NamedTuple):
    """What one discriminator finds of a batch: scores (B, n), near 1 for real, and the maps of its layers."""

    scores: Tensor
    maps: list[Tensor]


def _judge(x: Tensor, layers: nn.ModuleList, last: nn.Module) -> Judgement:
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
        return _judge(wave.unflatten(2, (-1, self.period)), self.convs, self.conv_post)


class ScaleDiscriminator(nn.Module):
    """Sees a waveform through wide convolutions in groups."""

    # channels, kernel, stride, groups
    LAYERS = ((128, 15, 1, 1), (128, 41, 2, 4), (256, 41, 2, 16), (512, 41, 4, 16), (1024, 41, 4, 16),
              (1024, 41, 1, 16), (1024, 5, 1, 1))  # fmt: skip

    def __init__(self, norm=with_weight_norm, width: float = 1.0):
        super().__init__()
        self.convs = nn.ModuleList()
        channels_in = 1
        for published, kernel, stride, groups in self.LAYERS:
            channels = round(published * width)
            layer = nn.Conv1d(channels_in, channels, kernel, stride=stride, padding=kernel // 2, groups=groups)
            self.convs.append(norm(layer))
            channels_in = channels
        self.conv_post = norm(nn.Conv1d(channels_in, 1, 3, padding=1))

    def forward(self, wave: Tensor) -> Judgement:
        """wave (B, 1, T); maps are (B, C, T')."""
        return _judge(wave, self.convs, self.conv_post)


class _Several(nn.Module):
    """Discriminators in a list, under the published name."""

    def __init__(self, discriminators: Sequence[nn.Module]):
        super().__init__()
        self.discriminators = nn.ModuleList(discriminators)


class MultiPeriodDiscriminator(_Several):
    """One for each of PERIODS."""

    def __init__(self, width: float = 1.0):
        super().__init__([PeriodDiscriminator(period, width) for period in PERIODS])

    def forward(self, wave: Tensor) -> list[Judgement]:
        return [discriminator(wave) for discriminator in self.discriminators]


class MultiScaleDiscriminator(_Several):
    """One for each scale, the first with spectral norm; before each of the others the waveform is halved."""

    def __init__(self, width: float = 1.0):
        norms = (spectral_norm, *[with_weight_norm] * (SCALES - 1))
        super().__init__([ScaleDiscriminator(norm, width) for norm in norms])

    def forward(self, wave: Tensor) -> list[Judgement]:
        judgements = []
        for scale, discriminator in enumerate(self.discriminators):
            if scale:
                wave = functional.avg_pool1d(wave, kernel_size=4, stride=2, padding=2)
            judgements.append(discriminator(wave))
        return judgements


class Discriminators(nn.Module):
    """Both kinds; width: their channels as a share of the published ones, in eighths."""

    def __init__(self, width: float = 1.0):
        super().__init__()
        self.mpd = MultiPeriodDiscriminator(width)
        self.msd = MultiScaleDiscriminator(width)

    def forward(self, *waves: Tensor) -> list[list[Judgement]]:
        """For each waveform (B, 1, T) the judgements of all. One call for those that are compared: in training mode
        the spectral norm moves a step with each waveform, and processes meet once in a call."""
        with cached():  # the weights are normalised once
            return [self.mpd(wave) + self.msd(wave) for wave in waves]


def discriminators_of(state: dict[str, torch.Tensor]) -> Discriminators:
    """New discriminators, as wide as those of a state dict."""
    last = state.get("mpd.discriminators.0.conv_post.weight_v")
    return Discriminators(1.0 if last is None else last.shape[1] / WIDEST)

"""HiFi-GAN's discriminators: five that look at every p-th sample, three at the sound at falling rates.

State dicts bear the published keys (`mpd.` and `msd.` of the files do_XXXXXXXX).
Source: Kong et al., NeurIPS 2020; jik876/hifi-gan, models.py.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import spectral_norm  # the newer one of parametrizations names its weights otherwise
from torch.nn.utils.parametrize import cached

from tk_tools.nets.hifigan import with_weight_norm
from tk_tools.nets.period_discriminator import Judgement, MultiPeriodDiscriminator, Several, judge

SCALES = 3
WIDEST = 1024  # channels of the last layers at width 1


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
        return judge(wave, self.convs, self.conv_post)


class MultiScaleDiscriminator(Several):
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

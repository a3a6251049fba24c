"""What tells made speech from recorded: by its spectrograms, and by what a speech model hears in it.

The third kind, by its periods, is HiFi-GAN's: tk_tools.nets.period_discriminator. State dicts bear the published keys
(`mpd`, `msd`, `wd`). Source: Li et al., NeurIPS 2023, section 3; Jang et al., "UnivNet", 2021; yl4579/StyleTTS2,
Modules/discriminators.py.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrize import cached

from tk_tools.nets.hifigan import SLOPE, with_weight_norm
from tk_tools.nets.period_discriminator import Judgement, MultiPeriodDiscriminator, Several, judge

RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))
"""Samples of a transform, from one to the next, and of a window."""

CHANNELS = 32  # of the published ones by spectrograms


class SpectrogramDiscriminator(nn.Module):
    """Sees the magnitudes of a waveform (B, 1, samples); maps are (B, C, frames, bins')."""

    def __init__(self, size: int, hop: int, window: int, channels: int = CHANNELS):
        super().__init__()
        self.size, self.hop = size, hop
        self.register_buffer("window", torch.hann_window(window), persistent=False)

        def conv(channels_in: int, bins: int, stride: int = 1) -> nn.Module:
            layer = nn.Conv2d(channels_in, channels, (3, bins), stride=(1, stride), padding=(1, bins // 2))
            return with_weight_norm(layer)

        halving = [conv(channels, 9, stride=2) for _ in range(3)]
        self.discriminators = nn.ModuleList([conv(1, 9), *halving, conv(channels, 3)])
        self.out = with_weight_norm(nn.Conv2d(channels, 1, 3, padding=1))

    def forward(self, wave: Tensor) -> Judgement:
        spectrum = torch.stft(
            wave.squeeze(1), self.size, self.hop, len(self.window), window=self.window, return_complex=True
        )
        magnitudes = spectrum.abs().mT
        if wave.device.type == "cpu":  # convolutions of few channels train sooner on channels that lie together
            picture = magnitudes.unsqueeze(-1).permute(0, 3, 1, 2)  # strides that say so, which one channel leaves open
        else:
            picture = magnitudes.unsqueeze(1)
        return judge(picture, self.discriminators, self.out)


class MultiResolutionDiscriminator(Several):
    """One for each of RESOLUTIONS."""

    def __init__(self, channels: int = CHANNELS):
        super().__init__([SpectrogramDiscriminator(*resolution, channels) for resolution in RESOLUTIONS])

    def forward(self, wave: Tensor) -> list[Judgement]:
        return [discriminator(wave) for discriminator in self.discriminators]


class WaveDiscriminators(nn.Module):
    """Those by periods and those by spectrograms; width: their channels as a share of the published ones.

    Spectrograms are judged in single precision whatever the others do: a transform of 1200 samples is hundreds of times
    as large as they are, and iSTFTNet's are not bounded, so that half precision overflows and the losses are NaN.
    """

    def __init__(self, width: float = 1.0):
        super().__init__()
        self.mpd = MultiPeriodDiscriminator(width)
        self.msd = MultiResolutionDiscriminator(round(CHANNELS * width))

    def forward(self, *waves: Tensor) -> list[list[Judgement]]:
        """For each of waveforms (B, samples) the judgements of all."""
        with cached():  # the weights are normalised once
            return [self.mpd(wave.unsqueeze(1)) + self._by_spectrograms(wave.unsqueeze(1)) for wave in waves]

    def _by_spectrograms(self, wave: Tensor) -> list[Judgement]:
        with torch.autocast(wave.device.type, enabled=False):
            return self.msd(wave.float())


class SpeechDiscriminator(nn.Module):
    """The hidden states of WavLM's layers, (B, layers x features, steps), a layer's features together -> scores
    (B, steps), near 1 for recorded speech."""

    def __init__(self, layers: int = 13, features: int = 768, channels: int = 64):
        super().__init__()
        widths = (channels, 2 * channels, 4 * channels, 4 * channels)
        self.pre = with_weight_norm(nn.Conv1d(layers * features, channels, 1))
        self.convs = nn.ModuleList(
            with_weight_norm(nn.Conv1d(*pair, 5, padding=2)) for pair in itertools.pairwise(widths)
        )
        self.conv_post = with_weight_norm(nn.Conv1d(widths[-1], 1, 3, padding=1))

    def forward(self, states: Tensor) -> Tensor:
        x = self.pre(states)
        for conv in self.convs:
            x = functional.leaky_relu(conv(x), SLOPE)
        return self.conv_post(x).squeeze(1)

"""`mel` for torch: of batches on any device, with gradients, for losses that look at what a network's sound would give.

For files and features take mel.py, whose numbers do not depend on the device.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tk_tools.audio.mel import filter_bank
from tk_tools.audio.mel_presets import MelPreset

FLOOR = 1e-5  # of a band, before the logarithm


class LogMel(nn.Module):
    """Waveforms (B, samples) float32 at the preset's rate -> (B, bands, frames), natural logarithm of magnitudes.

    For presets of the kind of `diffvc`; samples: a multiple of the hop, more than the padding.
    """

    def __init__(self, preset: MelPreset):
        super().__init__()
        if (preset.compression, preset.spectrum, preset.pad_mode) != ("log", "magnitude", "reflect"):
            raise ValueError(f"{preset.name} is no logarithm of magnitudes of a reflected sound")
        self.preset = preset
        self.register_buffer("window", torch.hann_window(preset.n_fft), persistent=False)
        self.register_buffer("filters", torch.from_numpy(filter_bank(preset)), persistent=False)

    def forward(self, wave: Tensor) -> Tensor:
        preset = self.preset
        frames = reflected(wave, preset.padding, preset.padding).unfold(1, preset.n_fft, preset.hop_length)
        spectrum = torch.view_as_real(torch.fft.rfft(frames * self.window))
        magnitudes = torch.sqrt(spectrum.square().sum(dim=-1) + preset.spectrum_floor)  # abs() has no gradient at 0
        return torch.log(torch.clamp(magnitudes @ self.filters.T, min=FLOOR)).transpose(1, 2)


def reflected(x: Tensor, before: int, behind: int) -> Tensor:
    """The last axis continued by its mirror image, by fewer samples than it has. (The gradient of functional.pad does
    not come out the same twice on a GPU.)"""
    size = x.shape[-1]
    mirrored = (x[..., 1 : 1 + before].flip(-1), x, x[..., size - 1 - behind : size - 1].flip(-1))
    return torch.cat(mirrored, dim=-1)

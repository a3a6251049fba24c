"""`mel` for torch: of batches on any device, with gradients, for losses that look at what a network's sound would give.

For files and features take mel.py, whose numbers do not depend on the device.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tk_tools.audio.mel import filter_bank
from tk_tools.audio.mel_presets import MelPreset

FLOOR = 1e-5  # of a band, before the logarithm


class LogMel(nn.Module):
    """Waveforms (B, samples) float32 at the preset's rate -> (B, bands, frames), in the preset's unit.

    For presets of a reflected sound in logarithms (`diffvc`, `styletts2` and their like); samples: more than the
    padding, and a multiple of the hop where the preset cuts to whole hops.
    """

    def __init__(self, preset: MelPreset):
        super().__init__()
        if preset.compression not in ("log", "styletts2") or preset.pad_mode != "reflect":
            raise ValueError(f"{preset.name} is no logarithm of a reflected sound")
        self.preset = preset
        beside = (preset.n_fft - preset.win_length) // 2
        window = functional.pad(
            torch.hann_window(preset.win_length), (beside, preset.n_fft - preset.win_length - beside)
        )
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("filters", torch.from_numpy(filter_bank(preset)), persistent=False)

    def forward(self, wave: Tensor) -> Tensor:
        preset = self.preset
        frames = reflected(wave, preset.padding, preset.padding).unfold(1, preset.n_fft, preset.hop_length)
        spectrum = torch.view_as_real(torch.fft.rfft(frames * self.window))
        found = spectrum.square().sum(dim=-1) + preset.spectrum_floor
        if preset.spectrum == "magnitude":
            found = torch.sqrt(found)  # abs() has no gradient at 0
        bands = (found @ self.filters.T).transpose(1, 2)
        if preset.compression == "styletts2":
            return (torch.log(FLOOR + bands) + 4) / 4
        return torch.log(torch.clamp(bands, min=FLOOR))


def reflected(x: Tensor, before: int, behind: int) -> Tensor:
    """The last axis continued by its mirror image, by fewer samples than it has. (The gradient of functional.pad does
    not come out the same twice on a GPU.)"""
    size = x.shape[-1]
    mirrored = (x[..., 1 : 1 + before].flip(-1), x, x[..., size - 1 - behind : size - 1].flip(-1))
    return torch.cat(mirrored, dim=-1)

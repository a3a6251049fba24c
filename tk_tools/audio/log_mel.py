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
    """Waveforms (B, samples) float32 at the preset's rate -> (B, bands, frames), natural logarithm of magnitudes.

    For presets of magnitudes without pre-emphasis whose compression is `log`; samples: a multiple of the hop, more than
    the padding.
    """

    def __init__(self, preset: MelPreset):
        super().__init__()
        if (preset.compression, preset.spectrum, preset.pre_emphasis) != ("log", "magnitude", 0):
            raise ValueError(f"{preset.name} is no logarithm of magnitudes")
        self.preset = preset
        self.register_buffer("window", torch.hann_window(preset.win_length), persistent=False)
        self.register_buffer("filters", torch.from_numpy(filter_bank(preset)), persistent=False)

    def forward(self, wave: Tensor) -> Tensor:
        preset = self.preset
        wave = functional.pad(wave[:, None], (preset.padding, preset.padding), mode=preset.pad_mode)[:, 0]
        spectrum = torch.stft(
            wave,
            preset.n_fft,
            preset.hop_length,
            preset.win_length,
            self.window,
            center=False,
            return_complex=True,
        )
        power = torch.view_as_real(spectrum).square().sum(dim=-1)  # abs() has no gradient at 0
        return torch.log(torch.clamp(self.filters @ torch.sqrt(power + preset.spectrum_floor), min=FLOOR))

"""Log-mel -> waveform without a trained vocoder: Griffin-Lim with momentum.

Understandable and no more; a vocoder's weights sound far better. Source: Perraudin, Balazs and Sondergaard, "A fast
Griffin-Lim algorithm", 2013; the settings are those of DiffVC's previews (huawei-noah/Speech-Backbones, utils.py).
"""

from __future__ import annotations

import functools

import numpy as np
import torch

from tk_tools.audio.mel import filter_bank
from tk_tools.audio.mel_presets import MelPreset

ITERATIONS = 32
MOMENTUM = 0.99
LEAST_MAGNITUDE = 1e-4


def griffin_lim(log_mel: np.ndarray, preset: MelPreset, iterations: int = ITERATIONS) -> np.ndarray:
    """A waveform ((T - 1) hop_length,) float32 at the preset's rate, for log_mel (T, bands), natural logarithm of
    magnitudes (presets whose compression is `log`)."""
    window = torch.hann_window(preset.win_length)
    magnitudes = torch.from_numpy(_inverse(preset) @ np.exp(log_mel.T.astype(np.float32)))

    def to_waveform(spectrum: torch.Tensor) -> torch.Tensor:
        return torch.istft(spectrum, preset.n_fft, preset.hop_length, preset.win_length, window)

    def to_spectrum(waveform: torch.Tensor) -> torch.Tensor:
        return torch.stft(waveform, preset.n_fft, preset.hop_length, preset.win_length, window, return_complex=True)

    waveform = to_waveform(magnitudes.to(torch.complex64))
    before = torch.zeros(())
    for _ in range(iterations):
        spectrum = to_spectrum(waveform)
        phases = spectrum / spectrum.abs().clamp(min=LEAST_MAGNITUDE)
        waveform = to_waveform(magnitudes * (phases + MOMENTUM * (phases - before)))
        before = phases
    return waveform.numpy()


@functools.lru_cache(maxsize=4)
def _inverse(preset: MelPreset) -> np.ndarray:
    """Mel bands -> bins of the spectrum, (bins, bands), by least squares; some values are negative."""
    return np.linalg.pinv(filter_bank(preset)).astype(np.float32)

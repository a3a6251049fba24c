"""Parameters of the mel front ends that the published systems expect, by name; light, so that commands can list them.

Every published weight file is tied to one of these: a mel made with other parameters runs and gives nonsense.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal


@dataclass(frozen=True)
class MelPreset:
    """One mel front end, from samples to bands; the steps are applied in the order of the fields."""

    name: str
    summary: str
    sample_rate: int  # Hz
    n_fft: int  # samples
    win_length: int  # samples; periodic Hann, centred in the FFT frame
    hop_length: int  # samples
    padding: int  # samples put before and behind the waveform
    pad_mode: Literal["reflect", "constant"]
    whole_hops: bool  # cut the waveform to a multiple of the hop first
    pre_emphasis: float  # y[n] = x[n] - pre_emphasis * x[n - 1]; 0: none
    spectrum: Literal["magnitude", "power"]
    spectrum_floor: float  # added to the power before the root
    n_mels: int
    fmin: float  # Hz
    fmax: float  # Hz
    filter_rate: int  # Hz; the rate that the filters' edges are laid out for
    mel_scale: Literal["slaney", "htk"]
    area_normalised: bool  # each triangle divided by its width in Hz (librosa's norm="slaney")
    compression: Literal["wav2lip", "log", "styletts2", "none"]

    @property
    def columns_per_second(self) -> Fraction:
        """Exact rate of the columns, 1/s."""
        return Fraction(self.sample_rate, self.hop_length)

    def columns(self, samples: int) -> int:
        """How many columns a waveform of `samples` samples gives."""
        if self.whole_hops:
            samples -= samples % self.hop_length
        return max(0, 1 + (samples + 2 * self.padding - self.n_fft) // self.hop_length)


WAV2LIP = MelPreset(
    name="wav2lip",
    summary="80 bands, 80 columns a second, -4..4: Wav2Lip and the many systems that took its front end",
    sample_rate=16000, n_fft=800, win_length=800, hop_length=200, padding=400, pad_mode="reflect", whole_hops=False,
    pre_emphasis=0.97, spectrum="magnitude", spectrum_floor=0.0,
    n_mels=80, fmin=55.0, fmax=7600.0, filter_rate=16000, mel_scale="slaney", area_normalised=True,
    compression="wav2lip",
)  # fmt: skip
DIFFVC = MelPreset(
    name="diffvc",
    summary="80 bands at 22.05 kHz, natural log: DiffVC and HiFi-GAN (universal V1)",
    sample_rate=22050, n_fft=1024, win_length=1024, hop_length=256, padding=384, pad_mode="reflect", whole_hops=True,
    pre_emphasis=0.0, spectrum="magnitude", spectrum_floor=1e-9,
    n_mels=80, fmin=0.0, fmax=8000.0, filter_rate=22050, mel_scale="slaney", area_normalised=True,
    compression="log",
)  # fmt: skip
GE2E = MelPreset(
    name="ge2e",
    summary="40 bands, 100 columns a second, linear power: the GE2E speaker encoder (Resemblyzer, DiffVC)",
    sample_rate=16000, n_fft=400, win_length=400, hop_length=160, padding=200, pad_mode="constant", whole_hops=False,
    pre_emphasis=0.0, spectrum="power", spectrum_floor=0.0,
    n_mels=40, fmin=0.0, fmax=8000.0, filter_rate=16000, mel_scale="slaney", area_normalised=True,
    compression="none",
)  # fmt: skip
STYLETTS2 = MelPreset(
    name="styletts2",
    summary="80 bands at 24 kHz, 80 columns a second, (log + 4) / 4: StyleTTS 2",
    sample_rate=24000, n_fft=2048, win_length=1200, hop_length=300, padding=1024, pad_mode="reflect", whole_hops=False,
    pre_emphasis=0.0, spectrum="power", spectrum_floor=0.0,
    # The published weights were trained with filters laid out for 16 kHz over the bins of 24 kHz audio.
    n_mels=80, fmin=0.0, fmax=8000.0, filter_rate=16000, mel_scale="htk", area_normalised=False,
    compression="styletts2",
)  # fmt: skip

PRESETS: dict[str, MelPreset] = {preset.name: preset for preset in (WAV2LIP, DIFFVC, GE2E, STYLETTS2)}

"""Recordings that tests make: a buzzing voice without words, whose pitch glides."""

from pathlib import Path

import numpy as np
import soundfile

RATE = 22050


def voice(seconds: float, rate: int = RATE, seed: int = 0, peak: float = 0.5) -> np.ndarray:
    """(samples,) float32: harmonics of a gliding pitch, opening and closing, with a breath of noise."""
    random = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    pitch = 120 + 20 * seed + 30 * np.sin(2 * np.pi * (0.7 + 0.1 * seed) * t)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    sound = sum(np.sin(number * phase) / number for number in range(1, 12)) * (1.1 + np.sin(2 * np.pi * 3 * t))
    sound += 0.02 * random.standard_normal(len(t))
    return (peak * sound / np.abs(sound).max()).astype(np.float32)


def write_voice(path: Path, seconds: float = 1.0, rate: int = RATE, subtype: str | None = "PCM_16", **options) -> Path:
    """A file of `voice`, in the format of its suffix."""
    soundfile.write(path, voice(seconds, rate, **options), rate, subtype=subtype)
    return path

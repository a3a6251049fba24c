"""Waveforms that resemble a voice, in closed form: their pitch, length and level are known exactly."""

import numpy as np


def voice(rate=16000, *, seconds=1.5, f0=120.0, swing=40.0, gap=(0.6, 0.8), noise=0.0):
    """(samples,) float32: 20 harmonics of a pitch that swings by +-`swing` Hz in 1.4 s, silent in `gap` (seconds)."""
    t = np.arange(int(seconds * rate)) / rate
    phase = 2 * np.pi * f0 * t + swing / 0.7 * (1 - np.cos(2 * np.pi * 0.7 * t))
    harmonic = np.arange(1, 21)
    level = 1 / harmonic + 2 / 3 * np.exp(-(((harmonic * f0 - 600) / 200) ** 2))
    level += 1 / 3 * np.exp(-(((harmonic * f0 - 1800) / 300) ** 2))
    sound = sum(a * np.sin(k * phase) for a, k in zip(level, harmonic, strict=True))
    envelope = 0.15 * (1 + 0.8 * np.sin(2 * np.pi * 2.3 * t))
    envelope[(t >= gap[0]) & (t < gap[1])] = 0.0
    sound = (sound * envelope / 4).astype(np.float32)
    return sound + (noise * np.random.default_rng(5).standard_normal(len(t))).astype(np.float32)


def pitch_of_voice(times, *, f0=120.0, swing=40.0):
    """F0 in Hz of `voice` at times in seconds."""
    return f0 + swing * np.sin(2 * np.pi * 0.7 * times)

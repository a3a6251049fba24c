"""Waveform -> F0 and voicing, 100 frames a second at 16 kHz, from 65 to 600 Hz.

pyin is librosa's (Mauch and Dixon, 2014) with its own defaults: careful, it calls noisy voices unvoiced. harvest is
WORLD's (Morise, 2017), what ESPnet measures with: nearly all of speech is voiced to it; an optional package.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tk_tools.audio.speech_choices import TRACKERS
from tk_tools.errors import MissingPackage

SAMPLE_RATE = 16000  # Hz
HOP = 160  # samples, 10 ms: 100 frames a second
FRAME = 1024  # samples, 64 ms: four periods of the lowest voice
LOWEST, HIGHEST = 65.0, 600.0  # Hz
PIECE = 6000  # frames, a minute: longer sounds are tracked piece by piece, so that memory stays bounded
CONTEXT = 100  # frames that a piece hears before and behind itself
FRAMES_PER_SECOND = SAMPLE_RATE / HOP


@dataclass(frozen=True)
class Pitch:
    """f0 (frames,) float64 in Hz, NaN where the voice is silent; frame i is about the time 0.01 i seconds."""

    f0: np.ndarray

    @property
    def voiced(self) -> np.ndarray:
        """(frames,) bool."""
        return np.isfinite(self.f0)


def track_pitch(samples: np.ndarray, tracker: str = "pyin") -> Pitch:
    """The F0 of a waveform (n,) float in [-1, 1] at 16 kHz, 1 + n // 160 frames.

    tracker: one of TRACKERS. Raises MissingPackage when the tracker's package is not installed.
    """
    return Pitch(dict(zip(TRACKERS, (_pyin, _harvest), strict=True))[tracker](samples))


def _pyin(samples: np.ndarray) -> np.ndarray:
    import librosa

    frames = 1 + len(samples) // HOP
    parts = []
    for first in range(0, frames, PIECE):
        last = min(first + PIECE, frames)
        start = max(0, first - CONTEXT)
        f0, _, _ = librosa.pyin(
            np.asarray(samples[start * HOP : (last + CONTEXT) * HOP], np.float32),
            sr=SAMPLE_RATE,
            fmin=LOWEST,
            fmax=HIGHEST,
            frame_length=FRAME,
            hop_length=HOP,
        )
        parts.append(f0[first - start :][: last - first])
    return np.concatenate(parts).astype(np.float64)


def check_tracker(name: str) -> None:
    """MissingPackage: the package of the tracker `name` (one of TRACKERS) is not installed."""
    if name == "harvest":
        try:
            import pyworld  # noqa: F401
        except ImportError:
            raise MissingPackage("harvest is WORLD's; install it with: pip install pyworld-prebuilt") from None


def _harvest(samples: np.ndarray) -> np.ndarray:
    check_tracker("harvest")
    import pyworld

    f0, _ = pyworld.harvest(
        np.asarray(samples, np.float64),
        SAMPLE_RATE,
        f0_floor=LOWEST,
        f0_ceil=HIGHEST,
        frame_period=1000 * HOP / SAMPLE_RATE,
    )
    return np.where(f0 > 0, f0, np.nan)

"""Head motion, blinks and changing light for a made clip: smooth random curves, one value a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Motion:
    """One value per picture: roll in radians; scale as a factor; right, down, yaw, pitch in fractions of the picture's
    side; blink 0 open .. 1 shut; gain a factor on the light."""

    roll: np.ndarray
    scale: np.ndarray
    right: np.ndarray
    down: np.ndarray
    yaw: np.ndarray
    pitch: np.ndarray
    blink: np.ndarray
    gain: np.ndarray


def make_motion(random: np.random.Generator, *, count: int, rate: float) -> Motion:
    """Draw the motion of `count` pictures at `rate` per second with `random`."""

    def curve(size: float, seconds: float) -> np.ndarray:
        return size * _smooth_curve(random, count=count, period=seconds * rate)

    offset = random.uniform(-1, 1, size=3)
    return Motion(
        roll=np.radians(4.0) * offset[0] + np.radians(curve(1.2, 1.3)),
        scale=1 + 0.03 * offset[1] + curve(0.008, 1.8),
        right=0.02 * offset[2] + curve(0.008, 1.1),
        down=curve(0.005, 0.9),
        yaw=curve(0.008, 1.4),
        pitch=curve(0.004, 1.2),
        blink=_blinks(random, count=count, rate=rate),
        gain=1 + curve(0.02, 1.5),
    )


def _smooth_curve(random: np.random.Generator, *, count: int, period: float) -> np.ndarray:
    """(count,) values of standard deviation about 0.5, turning about once every `period` pictures."""
    from scipy.interpolate import CubicSpline

    knots = int(np.ceil(count / period)) + 3
    phase = random.uniform(0, 1)
    return CubicSpline(np.arange(knots), random.normal(0, 0.5, size=knots))(np.arange(count) / period + phase)


def _blinks(random: np.random.Generator, *, count: int, rate: float) -> np.ndarray:
    """(count,) 0 to 1: a blink of a fifth of a second every two to five seconds."""
    blink, at = np.zeros(count), random.uniform(0.5, 3.0)
    times = np.arange(count) / rate
    while at < times[-1] if count else False:
        blink = np.maximum(blink, np.clip(1.6 - np.abs(times - at) / 0.065, 0, 1))
        at += random.uniform(2.0, 5.0)
    return blink

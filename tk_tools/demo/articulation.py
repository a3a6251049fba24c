"""From speech to a mouth: how far it is open and how wide it is, at any rate, from phonemes and loudness.

A model for made clips, not of anatomy: each phoneme has a shape of its own, the shapes glide into one another, and the
mouth opens further where the voice is louder. Closed sounds (m, b, p) close it, whatever stands beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tk_tools.demo.speech import Phoneme

CONTROL_RATE = 500  # Hz, of the curves before they are sampled for the pictures
GLIDE = 0.022  # s, standard deviation of the glide from one shape to the next
LOUDNESS_WINDOW = 0.030  # s, standard deviation of the loudness's smoothing
LOUDNESS_SHARE = 0.7  # of the opening follows the loudness, the rest the phoneme alone

# (opening 0 closed .. 1 wide open, width -1 rounded .. 1 spread) by espeak-ng's letters without stress and numbers.
SHAPES = {
    "_": (0.0, 0.0), ";": (0.25, 0.3), "?": (0.2, 0.0),
    "m": (0.0, 0.0), "b": (0.0, 0.0), "p": (0.0, 0.0), "f": (0.08, 0.1), "v": (0.08, 0.1), "w": (0.16, -1.0),
    "D": (0.22, 0.1), "T": (0.22, 0.1), "d": (0.25, 0.2), "t": (0.22, 0.2), "n": (0.25, 0.1), "l": (0.34, 0.1),
    "s": (0.14, 0.4), "z": (0.14, 0.4), "S": (0.22, -0.6), "Z": (0.22, -0.6), "tS": (0.22, -0.6),
    "dZ": (0.22, -0.6), "r": (0.26, -0.5), "j": (0.25, 0.4), "k": (0.34, 0.0), "g": (0.34, 0.0), "N": (0.3, 0.0),
    "h": (0.45, 0.0), "x": (0.3, 0.0),
    "a": (1.0, 0.2), "A": (1.0, 0.0), "aa": (1.0, 0.2), "V": (0.8, 0.0), "O": (0.85, -0.5), "0": (0.9, -0.3),
    "E": (0.75, 0.4), "e": (0.65, 0.5), "I": (0.42, 0.5), "i": (0.36, 0.8), "u": (0.32, -1.0), "U": (0.4, -0.8),
    "o": (0.62, -0.8), "@": (0.5, 0.0), "3": (0.5, -0.3), "@L": (0.4, 0.0),
}  # fmt: skip
CLOSED = frozenset("mbp")
UNKNOWN_SHAPE = (0.4, 0.0)


@dataclass(frozen=True)
class Mouth:
    """opening (n,) 0 closed .. 1 wide open; width (n,) -1 rounded .. 1 spread; float32."""

    opening: np.ndarray
    width: np.ndarray


def articulate(
    samples: np.ndarray, sample_rate: int, phonemes: tuple[Phoneme, ...], *, rate: float, count: int
) -> Mouth:
    """The mouth for `count` pictures at `rate` per second, each taken at the middle of its time.

    samples: (n,) int16 mono at sample_rate Hz, from the first picture's start; phonemes: in samples from there.
    """
    from scipy.ndimage import gaussian_filter1d

    length = int(np.ceil(len(samples) * CONTROL_RATE / sample_rate))
    opening, width = np.zeros(length), np.zeros(length)
    for phoneme in phonemes:
        start, stop = (round(edge * CONTROL_RATE / sample_rate) for edge in (phoneme.start, phoneme.stop))
        shapes = phoneme_shapes(phoneme.name)
        for shape, part in zip(shapes, np.array_split(np.arange(start, min(stop, length)), len(shapes)), strict=True):
            opening[part], width[part] = shape

    loud = _loudness(samples, sample_rate, length)
    opening *= 1 - LOUDNESS_SHARE + LOUDNESS_SHARE * loud
    opening = gaussian_filter1d(opening, sigma=GLIDE * CONTROL_RATE)
    width = gaussian_filter1d(width, sigma=1.5 * GLIDE * CONTROL_RATE)
    opening *= _lips_apart(phonemes, sample_rate, length)

    times = (np.arange(count) + 0.5) / rate
    at = times * CONTROL_RATE - 0.5
    return Mouth(
        opening=np.interp(at, np.arange(length), opening).astype(np.float32),
        width=np.interp(at, np.arange(length), width).astype(np.float32),
    )


def phoneme_shapes(name: str) -> list[tuple[float, float]]:
    """The shapes that a phoneme goes through, (opening, width) each: one, or two for a diphthong such as `oU`."""
    bare = name.lstrip("',%=").rstrip(":#2-").replace("#", "").replace(":", "")
    if bare in SHAPES:
        return [SHAPES[bare]]
    shapes = [SHAPES[letter] for letter in bare if letter in SHAPES]
    return shapes[:2] or [UNKNOWN_SHAPE]


def _loudness(samples: np.ndarray, sample_rate: int, length: int) -> np.ndarray:
    """(length,) at CONTROL_RATE: 0 in silence, near 1 in the clip's loud vowels (the square root of the amplitude)."""
    from scipy.ndimage import gaussian_filter1d

    edges = np.arange(length) * sample_rate // CONTROL_RATE
    power = np.add.reduceat(samples.astype(np.float64) ** 2, edges) / np.diff(np.append(edges, len(samples)))
    amplitude = np.sqrt(gaussian_filter1d(power, sigma=LOUDNESS_WINDOW * CONTROL_RATE))
    loudest = np.percentile(amplitude, 95)
    return np.zeros(length) if loudest == 0 else np.clip(np.sqrt(amplitude / loudest), 0, 1)


def _lips_apart(phonemes: tuple[Phoneme, ...], sample_rate: int, length: int) -> np.ndarray:
    """(length,) 0 where the lips meet for m, b or p, 1 elsewhere, with an edge as quick as lips are."""
    from scipy.ndimage import gaussian_filter1d

    edge = 0.012  # s
    apart = np.ones(length)
    for phoneme in phonemes:
        if phoneme.name.lstrip("',") in CLOSED:
            start, stop = phoneme.start / sample_rate - edge, phoneme.stop / sample_rate + edge
            apart[max(0, round(start * CONTROL_RATE)) : round(stop * CONTROL_RATE)] = 0
    return gaussian_filter1d(apart, sigma=edge * CONTROL_RATE)

"""Face files without faces: a dark mouth on a plain crop that opens with the loudness of a tone."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from tk_tools.files.face_file import create_face_file
from tk_tools.files.provenance import Provenance, Source
from tk_tools.files.sound import Audio

MADE = Provenance({}, Source(name="made", digest="blake2b:0"))


def make_clip(
    path: Path,
    seed: int = 0,
    frames: int = 60,
    size: int = 96,
    fps: int = 25,
    layout: str = "wav2lip",
    sound: bool = True,
    loudness: float = 8000,
    valid=None,
) -> Path:
    """Write a NAME.face.h5 of `frames` crops (size, size, 3) with 16 kHz sound whose peak is `loudness` (of 32767).

    valid: (frames,) bool, all without it; sound: whether there is any.
    """
    rng = np.random.default_rng(seed)
    knots = np.arange(0, frames + 4, 4)
    opening = np.interp(np.arange(frames), knots, rng.random(len(knots)))
    rate = 16000
    t = np.arange(frames * rate // fps)
    envelope = np.interp(t * fps / rate, np.arange(frames), opening)
    samples = (loudness * envelope * np.sin(2 * np.pi * 300 * t / rate)).astype(np.int16)
    audio = Audio(samples=samples, sample_rate=rate) if sound else None
    skin = rng.integers(120, 220, 3)
    with create_face_file(
        path,
        fps=Fraction(fps),
        layout=layout,
        backend="none",
        source_size=(size, size),
        made=MADE,
        audio=audio,
        codec="png",
    ) as writer:
        for index in range(frames):
            picture = np.empty((size, size, 3), np.uint8)
            picture[:] = skin
            half = int(opening[index] * size / 6)
            picture[size * 3 // 4 - half : size * 3 // 4 + half + 1, size // 3 : size * 2 // 3] = (60, 20, 20)
            writer.append(
                picture,
                box=np.array([0, 0, size, size]),
                landmarks=None,
                score=1.0,
                transform=np.eye(2, 3),
                valid=True if valid is None else bool(valid[index]),
            )
    return path

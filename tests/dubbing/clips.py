"""Crops without faces: a dark mouth that opens with the features beside them, and numbers to know frames by."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from tk_tools.files.face_file import create_face_file
from tk_tools.files.feature_file import Features, write_feature_file
from tk_tools.files.provenance import Provenance, Source

CHANNELS = 8


def opening(frames: int, seed: int) -> np.ndarray:
    """How far the mouth is open in each frame: (frames,) in 0..1."""
    rng = np.random.default_rng(seed)
    knots = np.arange(0, frames + 3, 3)
    return np.interp(np.arange(frames), knots, rng.random(len(knots)))


def picture(opened: float, number: int, height: int, width: int, skin: np.ndarray) -> np.ndarray:
    """(height, width, 3) uint8: a plain face whose upper left corner tells the frame's number."""
    made = np.empty((height, width, 3), np.uint8)
    made[:] = skin
    half = int(1 + opened * height / 8)
    middle = height * 5 // 8
    made[middle - half : middle + half, width // 3 : width * 2 // 3] = (60, 20, 20)
    made[: height // 10, : width // 4] = number % 256
    return made


def frame_number(made) -> int:
    """The number that a picture (height, width, 3) tells."""
    return round(float(np.asarray(made, np.float64)[:4, :4].mean()))


def make_clip(
    folder: Path,
    name: str,
    *,
    seed: int = 0,
    frames: int = 90,
    height: int = 104,
    width: int = 80,
    layout: str = "lawdnet",
    fps: int = 25,
    valid=None,
    model: str = "mel",
    channels: int = CHANNELS,
    rows: int | None = None,
    digest: str | None = None,
    silent: bool = False,
) -> Path:
    """Write NAME.face.h5 and NAME.feat.h5 (channel 0 is the mouth's opening, channel 1 the frame's number); gives the
    former. rows, digest: of the features, where they are not to fit."""
    folder.mkdir(parents=True, exist_ok=True)
    opened = opening(frames, seed)
    source = Source(name=f"{name}.mp4", digest=f"blake2b:{name}{seed}")
    skin = np.random.default_rng(seed).integers(120, 220, 3)
    path = folder / f"{name}.face.h5"
    with create_face_file(
        path,
        fps=Fraction(fps),
        layout=layout,
        backend="none",
        source_size=(width, height),
        made=Provenance({}, source),
        codec="png",
    ) as writer:
        for number in range(frames):
            writer.append(
                picture(opened[number], number, height, width, skin),
                box=np.array([0, 0, width, height]),
                landmarks=None,
                score=1.0,
                transform=np.eye(2, 3),
                valid=True if valid is None else bool(valid[number]),
            )
    values = np.zeros((frames, channels), np.float32)
    if not silent:
        values[:, 0], values[:, 1] = opened, np.arange(frames)
        values[:, 2:] = np.random.default_rng(seed).normal(0, 0.1, (frames, channels - 2))
    values = np.resize(values, (frames if rows is None else rows, channels))
    made = Provenance({}, Source(source.name, source.digest if digest is None else digest))
    write_feature_file(folder / f"{name}.feat.h5", Features(values, model=model), made)
    return path

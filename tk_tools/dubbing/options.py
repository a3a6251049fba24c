"""How LawDNet and DINet dub: what `tk-infer lawdnet|dinet` hands to inference. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from tk_tools.face.backends import DEFAULT_BACKEND, DEFAULT_FACE
from tk_tools.files.rates import DEFAULT_FPS

_ELSEWHERE = {"shapes_content": False}  # where or how fast, and not what


@dataclass(frozen=True)
class DubOptions:
    """How a face is made to speak.

    face: largest, left, right, or a number from the left. backend: what finds it. references: numbers (from 0) of the
    pictures that show the network the mouth; None: drawn by `seed` from those with a face. mouth_size: pixels of the
    painted mouth, None for what the checkpoint was trained for. feature_model: what hears the speech, None likewise.
    feather: width of the blended edge around what was painted, as a share of the crop's width. fps: pictures per second
    of a still. on_short_video: loop, bounce or stop, when the sound is longer. precision: fp32 or bf16. quality:
    x264's. mark: whether the result says that it is synthetic. batch_size: pictures at a time, None for the device's
    best.
    """

    face: str = DEFAULT_FACE
    backend: str = DEFAULT_BACKEND
    references: tuple[int, ...] | None = None
    seed: int = 0
    mouth_size: int | None = None
    feature_model: str | None = None
    feather: float = 0.08
    fps: Fraction = DEFAULT_FPS
    on_short_video: str = "bounce"
    precision: str = "fp32"
    quality: int = 18
    mark: bool = True
    weights_dir: Path | None = field(default=None, metadata=_ELSEWHERE)
    device: str = field(default="cpu", metadata=_ELSEWHERE)
    batch_size: int | None = field(default=None, metadata=_ELSEWHERE)

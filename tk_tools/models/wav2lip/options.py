"""How a face is made to speak: what `tk-infer wav2lip` hands to inference. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from tk_tools.face.backends import DEFAULT_BACKEND, DEFAULT_FACE
from tk_tools.files.rates import DEFAULT_FPS

_ELSEWHERE = {"shapes_content": False}  # where or how fast, and not what


@dataclass(frozen=True)
class InferOptions:
    """How a face is made to speak.

    face: largest, left, right, or a number from the left. backend: what finds it. box: left, top, right, bottom of the
    face in every picture, None to find it. pads: top, bottom, left, right, source pixels added to the boxes found; None
    for those that the checkpoint was trained for.
    feather: width of the blended edge as a share of the box's shorter side. fps: pictures per second of a still.
    on_short_video: loop, bounce or stop, when the sound is longer. precision: fp32 or bf16. quality: x264's.
    mark: whether the result says that it is synthetic. batch_size: faces at a time, None for the device's best.
    """

    face: str = DEFAULT_FACE
    backend: str = DEFAULT_BACKEND
    box: tuple[int, int, int, int] | None = None
    pads: tuple[int, int, int, int] | None = None
    feather: float = 0.08
    fps: Fraction = DEFAULT_FPS
    on_short_video: str = "loop"
    precision: str = "fp32"
    quality: int = 18
    mark: bool = True
    weights_dir: Path | None = field(default=None, metadata=_ELSEWHERE)
    device: str = field(default="cpu", metadata=_ELSEWHERE)
    batch_size: int | None = field(default=None, metadata=_ELSEWHERE)

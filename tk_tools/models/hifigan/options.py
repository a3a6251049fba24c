"""How mels become sound: what `tk-infer hifigan` hands to inference. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

MEL_FILE = ".mel.h5"
PUBLISHED = "diffvc-hifigan"  # the name in `tk-weights list`
GRIFFIN_LIM = "griffin-lim"
_ELSEWHERE = {"shapes_content": False}  # where or how fast, and not what


@dataclass(frozen=True)
class InferOptions:
    """How mels become sound.

    vocoder: hifigan, or griffin-lim, which needs no weights. mark: whether the result says that it is synthetic.
    """

    vocoder: str = "hifigan"
    mark: bool = True
    weights_dir: Path | None = field(default=None, metadata=_ELSEWHERE)
    device: str = field(default="cpu", metadata=_ELSEWHERE)

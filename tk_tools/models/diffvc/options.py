"""How speech is converted: what `tk-infer diffvc` hands to inference. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

HIFIGAN, GRIFFIN_LIM, NO_VOCODER = "hifigan", "griffin-lim", "none"
LONGEST_SEGMENT = 15  # seconds that are converted in one piece; an utterance is seldom longer
LONGEST_REFERENCE = 20  # seconds of the target that the decoder hears, of all its recordings together
_ELSEWHERE = {"shapes_content": False}  # where or how fast, and not what


@dataclass(frozen=True)
class InferOptions:
    """How speech is converted.

    solver: ml, em or pf; steps: of it. seed: of the noise. denoise: whether the steady noise of the made mel is
    subtracted. vocoder: HIFIGAN, whose weights are then one of the files of a result, GRIFFIN_LIM, or NO_VOCODER: the
    results are mels. precision: of the decoder, fp32 or bf16. mark: whether the result says that it is synthetic.
    """

    solver: str = "ml"
    steps: int = 30
    seed: int = 0
    denoise: bool = True
    vocoder: str = GRIFFIN_LIM
    precision: str = "fp32"
    mark: bool = True
    weights_dir: Path | None = field(default=None, metadata=_ELSEWHERE)
    device: str = field(default="cpu", metadata=_ELSEWHERE)

"""How a sentence is spoken: what `tk-infer styletts2` hands to inference. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

CONFIG_SUFFIXES = (".yml", ".yaml")  # of the configuration that is saved beside a checkpoint
_ELSEWHERE = {"shapes_content": False}  # where or how fast, and not what


@dataclass(frozen=True)
class SpeechOptions:
    """How a sentence is spoken.

    steps: noise levels of the style's diffusion, 2 or more. guidance: how closely the style follows the text; 1 is as
    it was learned, more is livelier. alpha, beta: how much of the acoustic and of the prosodic style is sampled for the
    text, and not the reference's (of many voices). carry: how much of the style of the sentence before is kept. seed:
    of all noise.
    """

    steps: int = 5
    guidance: float = 1.0
    alpha: float = 0.3
    beta: float = 0.7
    carry: float = 0.7
    seed: int = 0


@dataclass(frozen=True)
class InferOptions(SpeechOptions):
    """How a text is spoken: each sentence as SpeechOptions say.

    language: a code of espeak-ng. pause, paragraph_pause: seconds between sentences, and between paragraphs. mark:
    whether the result says that it is synthetic.
    """

    language: str = "en-us"
    pause: float = 0.4
    paragraph_pause: float = 0.9
    mark: bool = True
    weights_dir: Path | None = field(default=None, metadata=_ELSEWHERE)
    device: str = field(default="cpu", metadata=_ELSEWHERE)

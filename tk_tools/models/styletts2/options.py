"""How a sentence is spoken: what `tk-infer styletts2` hands to inference. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass


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

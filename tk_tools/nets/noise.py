"""The noise that networks are given, drawn so that a result can be made again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

Noise = Callable[[torch.Tensor], torch.Tensor]
"""Standard normal noise of the shape, type and device of a tensor."""


def drawn_noise(seed: int, part: int) -> Noise:
    """The noise of a part of a result, by its number: the same on every device, and of its own in each part."""
    words = np.random.SeedSequence([seed, part]).generate_state(1, np.uint64)
    generator = torch.Generator().manual_seed(int(words[0]))
    return lambda like: torch.randn(like.shape, generator=generator).to(like)

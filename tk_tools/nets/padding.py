"""What of a batch of sequences is padding."""

from __future__ import annotations

import torch
from torch import Tensor


def padding_mask(lengths: Tensor, size: int) -> Tensor:
    """Lengths (B,) -> (B, size) bool: True behind each item's end."""
    return torch.arange(size, device=lengths.device) >= lengths[:, None]

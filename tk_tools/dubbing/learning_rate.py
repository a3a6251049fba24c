"""The learning rate of DINet and LawDNet: steady for some epochs, then falling linearly.

Source: get_scheduler in utils/training_utils.py of MRzzm/DINet and iPaw-AI-LAB/LawDNet_2024.
"""

from __future__ import annotations


def published_factor(epoch: int, steady: int, falling: int) -> float:
    """The original's share of the rate in `epoch` (from 0): negative from epoch steady + falling + 2 on, which its
    resumed clip stage reaches."""
    return 1 - max(0, epoch - steady) / (falling + 1)


def rate_factor(epoch: int, steady: int, falling: int) -> float:
    """The share of the rate in `epoch` (from 0): 1 for `steady` epochs, then down to 0 behind `falling` more."""
    return max(0.0, published_factor(epoch, steady, falling))

"""Least squares losses, and a learning rate that never turns round."""

import pytest
import torch

from tk_tools.dubbing.learning_rate import rate_factor
from tk_tools.dubbing.losses import discriminator_loss, gan_loss, picture_loss, sync_loss


def test_least_squares():
    scores = torch.tensor([0.0, 1.0, 3.0])
    assert gan_loss(scores, real=True).item() == pytest.approx(5 / 3)
    assert gan_loss(scores, real=False).item() == pytest.approx(10 / 3)
    assert sync_loss(scores) == gan_loss(scores, real=True)
    assert discriminator_loss(torch.zeros(2), torch.ones(3)) == 0
    assert discriminator_loss(torch.ones(2), torch.zeros(3)) == 1


def test_half_precision_is_summed_in_single():
    """4096 + 1 is no number of half precision, and the square of 300 is beyond its largest."""
    assert gan_loss(torch.full((8,), 300.0, dtype=torch.float16), real=False) == 90000
    assert picture_loss(torch.full((8,), 300.0, dtype=torch.float16), torch.zeros(8)) == 90000


def test_the_rate_is_steady_then_falls_and_ends_at_zero():
    factors = [rate_factor(epoch, steady=3, falling=4) for epoch in range(12)]
    assert factors[:4] == [1] * 4
    assert factors[4:8] == pytest.approx([0.8, 0.6, 0.4, 0.2])
    assert factors[8:] == [0] * 4

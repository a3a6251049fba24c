"""Losses between a generator of sound and its discriminators, in float32 whatever the precision of the networks.

Source: feature_loss, discriminator_loss and generator_loss of models.py, jik876/hifi-gan; Mao et al., "Least squares
generative adversarial networks", 2017; Larsen et al., "Autoencoding beyond pixels", 2016 (matched features).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

from tk_tools.nets.period_discriminator import Judgement

FEATURE_WEIGHT = 2.0


def told_apart_loss(real: Sequence[Judgement], made: Sequence[Judgement]) -> Tensor:
    """The discriminators': squared distance of real scores from 1 and of made ones from 0, a scalar, summed."""
    return sum(
        (1 - own.scores.float()).square().mean() + other.scores.float().square().mean()
        for own, other in zip(real, made, strict=True)
    )


def adversarial_loss(made: Sequence[Judgement]) -> Tensor:
    """The generator's: squared distance of made scores from 1, a scalar, summed over the discriminators."""
    return sum((1 - judgement.scores.float()).square().mean() for judgement in made)


def feature_loss(real: Sequence[Judgement], made: Sequence[Judgement]) -> Tensor:
    """FEATURE_WEIGHT times the mean absolute difference of each map, a scalar, summed over layers."""
    distances = [
        functional.l1_loss(theirs.float(), own.float())
        for judgement, other in zip(real, made, strict=True)
        for own, theirs in zip(judgement.maps, other.maps, strict=True)
    ]
    return FEATURE_WEIGHT * sum(distances)

"""What the likeness of a made picture to the real one is judged by: VGG19's maps, or the pictures themselves."""

from __future__ import annotations

import functools
import logging
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from tk_tools.errors import WeightsError
from tk_tools.nets.perceptual import load_perceptual_loss
from tk_tools.weights.find import find_weights

SCALES = 5

log = logging.getLogger(__name__)


class PixelLoss(nn.Module):
    """The mean L1 of two pictures at five sizes, each half of the one before."""

    def forward(self, made: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """RGB (B, 3, H, W) in 0..1 each, sides of 16 at least -> the mean distance."""
        distances = [functional.l1_loss(made.float(), real.float())]
        for _ in range(SCALES - 1):
            made, real = (functional.avg_pool2d(picture, kernel_size=2) for picture in (made, real))
            distances.append(functional.l1_loss(made.float(), real.float()))
        return torch.stack(distances).mean()


def check_perception(kind: Literal["vgg19", "pixels"]) -> None:
    """WeightsError: VGG19's weights are not on this machine; says what can be done."""
    if kind == "vgg19":
        try:
            find_weights("vgg19")
        except WeightsError as error:
            raise WeightsError(
                f"{error.message}; or --set perception=pixels: likeness is then judged by the pictures themselves, and"
                " they come out softer"
            ) from error


def make_perception(kind: Literal["vgg19", "pixels"]) -> nn.Module:
    """The distance of that name, on the CPU. WeightsError: as check_perception."""
    check_perception(kind)
    if kind == "vgg19":
        return load_perceptual_loss(find_weights("vgg19"))
    _tell_pixels()
    return PixelLoss()


@functools.cache
def _tell_pixels() -> None:
    """Once, whatever the number of stages."""
    log.warning("likeness is judged by the pictures themselves (perception=pixels), without VGG19: they come out soft")

"""The perceptual loss of DINet and LawDNet: L1 between VGG19's maps of two pictures, at full and at half size.

Needs torchvision's VGG19 (`tk-weights fetch vgg19`). Not LPIPS (metrics/lpips.py), which measures.
Source: Johnson et al., "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016;
MRzzm/DINet, models/VGG19.py and train_DINet_frame.py.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from tk_tools.nets.imagenet_features import DEVIATION, MEAN, ImageNetFeatures, load_features, make_vgg


class PerceptualLoss(nn.Module):
    """The mean of ten L1 terms: relu1_1, 2_1, 3_1, 4_1 and 5_1 at two sizes. Nothing in it is trained."""

    def __init__(self, network: ImageNetFeatures | None = None):
        super().__init__()
        self.network = network or make_vgg(19, tap_first=True)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def maps(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """RGB (B, 3, H, W) in 0..1 -> the five maps."""
        return self.network((pictures - self.mean) / self.deviation)

    def forward(self, made: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """RGB (B, 3, H, W) in 0..1 each, even sides of 32 at least -> the mean distance; the gradient is made's."""
        # The original halves the two in different ways; the published weights were trained against that.
        half_made = functional.avg_pool2d(made, kernel_size=3, stride=2, padding=1, count_include_pad=False)
        half_real = functional.interpolate(real, scale_factor=0.5, mode="bilinear", align_corners=False)
        distances = []
        for ours, wanted in ((made, real), (half_made, half_real)):
            with torch.no_grad():
                targets = self.maps(wanted)
            distances += [
                functional.l1_loss(found.float(), target.float())
                for found, target in zip(self.maps(ours), targets, strict=True)
            ]
        return torch.stack(distances).mean()


def load_perceptual_loss(path: Path) -> PerceptualLoss:
    """The loss with torchvision's weights, on the CPU. WeightsError: `path` holds another network than VGG19."""
    return PerceptualLoss(load_features(make_vgg(19, tap_first=True), path, "VGG19"))

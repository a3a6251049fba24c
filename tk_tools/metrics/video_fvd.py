"""FVD of made videos against real ones: over all runs of 16 pictures, at the rate that they have.

The shorter side is scaled to 224 px and the middle taken, as VideoGPT and StyleGAN-V do; their two files of I3D hold
the same network of DeepMind's. Source: Unterthiner et al., "Towards accurate generative models of video", 2018;
wilson1yan/VideoGPT; JunyaoHu/common_metrics_on_video_quality.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from tk_tools.errors import InputError
from tk_tools.files.video import VideoReader
from tk_tools.metrics.fid import FeatureStatistics, frechet_distance_of_few_or_many
from tk_tools.metrics.i3d import I3D, INPUT_SIZE
from tk_tools.weights.load import load_state_dict, load_strictly

CLIP = 16  # pictures, as most papers report (FVD16)
BATCH = 4  # clips


def load_i3d(weights: Path, device: str = "cpu") -> I3D:
    """The published network in eval mode. WeightsError: another network."""
    return load_strictly(I3D(), load_state_dict(weights), weights, "the I3D of FVD").eval().to(device)


def fvd_of_videos(made: Iterable[Path], real: Iterable[Path], weights: Path, device: str = "cpu") -> float:
    """FVD of two sets of videos; a file that is named twice counts once, and what is left over of 16 is not looked at.

    weights: i3d_pretrained_400. With 400 clips or fewer in a set the covariances are singular, and FVD depends on how
    many there are. Memory does not grow with the length. InputError: a video cannot be read, or a set has fewer than
    two clips of 16 pictures; WeightsError: another network.
    """
    network = load_i3d(weights, device)
    sets = [_statistics(dict.fromkeys(paths), network, device) for paths in (made, real)]
    if min(statistics.count for statistics in sets) < 2:
        raise InputError(f"FVD needs two runs of {CLIP} pictures or more in each set")
    return frechet_distance_of_few_or_many(*sets)


def i3d_input(pictures: np.ndarray) -> torch.Tensor:
    """(T, H, W, 3) uint8 RGB -> (3, T, 224, 224) in -1..1."""
    height, width = pictures.shape[1:3]
    scale = INPUT_SIZE / min(height, width)
    size = (INPUT_SIZE, math.ceil(width * scale)) if height < width else (math.ceil(height * scale), INPUT_SIZE)
    images = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    images = functional.interpolate(images, size=size, mode="bilinear", align_corners=False)
    top, left = ((side - INPUT_SIZE) // 2 for side in size)
    return 2 * images[..., top : top + INPUT_SIZE, left : left + INPUT_SIZE].transpose(0, 1) - 1


def _statistics(paths: Iterable[Path], network: I3D, device: str) -> FeatureStatistics:
    statistics = FeatureStatistics()
    clips = _clips(paths)
    while batch := list(islice(clips, BATCH)):
        with torch.inference_mode():
            statistics.add(network(torch.stack(batch).to(device)).cpu().numpy())
    return statistics


def _clips(paths: Iterable[Path]) -> Iterator[torch.Tensor]:
    for path in paths:
        pictures = iter(VideoReader(path, fps=None))
        while len(clip := list(islice(pictures, CLIP))) == CLIP:
            yield i3d_input(np.stack(clip))

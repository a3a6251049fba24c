"""FID of made videos against real ones: over all their pictures, whole, at the rate that they have.

Source: mseitzer/pytorch-fid, with its weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from tk_tools.errors import InputError
from tk_tools.files.video import VideoReader
from tk_tools.metrics.fid import FeatureStatistics, frechet_distance_of_few_or_many
from tk_tools.metrics.inception import FIDInception
from tk_tools.weights.load import load_state_dict, load_strictly

BATCH = 50  # pictures, as pytorch-fid takes them


def fid_of_videos(made: Iterable[Path], real: Iterable[Path], weights: Path, device: str = "cpu") -> float:
    """FID of two sets of videos; a file that is named twice counts once.

    weights: pt_inception-2015-12-05. With 2048 pictures or fewer in a set the covariances are singular, and FID depends
    on how many there are; its root is then taken by eigenvalues. Memory does not grow with the length. InputError: a
    video cannot be read, or a set has fewer than two pictures; WeightsError: another network.
    """
    network = load_strictly(FIDInception(), load_state_dict(weights), weights, "the Inception v3 of FID")
    network = network.eval().to(device)
    sets = [_statistics(dict.fromkeys(paths), network, device) for paths in (made, real)]
    if min(statistics.count for statistics in sets) < 2:
        raise InputError("FID needs two pictures or more in each set")
    return frechet_distance_of_few_or_many(*sets)


def _statistics(paths: Iterable[Path], network: FIDInception, device: str) -> FeatureStatistics:
    statistics = FeatureStatistics()
    for path in paths:
        for pictures in _batches(iter(VideoReader(path, fps=None))):
            images = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float() / 255
            with torch.inference_mode():
                statistics.add(network(images).cpu().numpy())
    return statistics


def _batches(pictures: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    while batch := list(islice(pictures, BATCH)):
        yield np.stack(batch)

"""Faces as syncnet_python finds them: S3FD, in its own build, on pictures of a quarter of their size.

Right for published LSE values; to follow and crop a face see `tk_tools.face.crop`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from tk_tools.face.s3fd import S3FD, SYNCNET, from_syncnet_names
from tk_tools.face.s3fd_boxes import (
    flatten_maps,
    syncnet_candidates,
    syncnet_faces,
    syncnet_input,
    syncnet_priors,
)
from tk_tools.weights.load import load_state_dict, load_strictly

BATCH = 8  # pictures


class SyncnetDetector:
    """S3FD with the weights in a file, sfd_face.pth. WeightsError: no such file, or another network."""

    def __init__(self, weights: Path, device: str = "cpu"):
        state = from_syncnet_names(load_state_dict(weights))
        network = load_strictly(S3FD(SYNCNET), state, weights, "the S3FD of syncnet_python")
        self._network = network.eval().to(device)
        self._device = device

    def faces_of_all(self, pictures: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Each picture, RGB (H, W, 3) uint8 of one size, with its faces, best first: (N, 5) x1, y1, x2, y2 in px,
        score. Read a batch at a time."""
        batch: list[np.ndarray] = []
        for picture in pictures:
            batch.append(picture)
            if len(batch) == BATCH:
                yield from zip(batch, self.faces(np.stack(batch)), strict=True)
                batch = []
        if batch:
            yield from zip(batch, self.faces(np.stack(batch)), strict=True)

    @torch.inference_mode()
    def faces(self, pictures: np.ndarray) -> list[np.ndarray]:
        """RGB pictures (B, H, W, 3) uint8 -> the faces of each: (N, 5) x1, y1, x2, y2 in px, score."""
        x = syncnet_input(pictures)
        scores, offsets, sizes = flatten_maps([(a.cpu(), b.cpu()) for a, b in self._network(x.to(self._device))])
        priors = syncnet_priors(sizes, height=x.shape[2], width=x.shape[3])
        height, width = pictures.shape[1:3]
        return [
            syncnet_faces(syncnet_candidates(score, offset, priors), height=height, width=width)
            for score, offset in zip(scores, offsets, strict=True)
        ]

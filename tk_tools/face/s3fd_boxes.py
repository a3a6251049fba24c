"""From S3FD's maps to faces, by the rules of the two reference pipelines (Wav2Lip's detector and syncnet_python's).

They differ in the picture's mean, the scale, the thresholds, and in whether a box of one pixel is 0 or 1 px
wide. Right for repeating published numbers; for cropping, `tk_tools.face` has its own tracker.
"""

from __future__ import annotations

import numpy as np
import torch

from tk_tools.face.s3fd import STRIDES

# Wav2Lip subtracts the means of B, G, R from R, G, B: a slip that the published boxes depend on.
FACE_ALIGNMENT_MEAN = (104.0, 117.0, 123.0)
SYNCNET_MEAN = (123.0, 117.0, 104.0)

SYNCNET_SCALE = 0.25
SYNCNET_TOP_BEFORE_NMS = 5000
SYNCNET_TOP_AFTER_NMS = 750

Maps = list[tuple[torch.Tensor, torch.Tensor]]


def non_maximum_suppression(boxes: np.ndarray, iou: float, pixel: float) -> np.ndarray:
    """Indices of the boxes to keep, best first: none overlaps a better one by more than `iou`.

    boxes (N, 5): x1, y1, x2, y2, score. `pixel` is added to every width and height: 1 where x2 is the last
    pixel inside (face-alignment), 0 where it is the edge (syncnet_python).
    """
    x1, y1, x2, y2, score = boxes.T
    area = (x2 - x1 + pixel) * (y2 - y1 + pixel)
    order = np.argsort(-score, kind="stable")
    keep = []
    while order.size:
        best, rest = order[0], order[1:]
        keep.append(best)
        width = np.minimum(x2[best], x2[rest]) - np.maximum(x1[best], x1[rest]) + pixel
        height = np.minimum(y2[best], y2[rest]) - np.maximum(y1[best], y1[rest]) + pixel
        overlap = np.maximum(width, 0.0) * np.maximum(height, 0.0)
        order = rest[overlap / (area[best] + area[rest] - overlap) <= iou]
    return np.array(keep, dtype=np.int64)


def anchors(sizes: list[tuple[int, int]]) -> torch.Tensor:
    """Centre and size in px of the anchor at each cell of maps of the given (rows, columns): (cells, 4)."""
    parts = []
    for (rows, columns), stride in zip(sizes, STRIDES, strict=True):
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        centre = torch.stack([x, y], dim=-1).reshape(-1, 2) * stride + stride / 2
        parts.append(torch.cat([centre, torch.full_like(centre, 4.0 * stride)], dim=1))
    return torch.cat(parts)


def flatten_maps(maps: Maps) -> tuple[torch.Tensor, torch.Tensor, list[tuple[int, int]]]:
    """Face probabilities (B, cells), box offsets (B, cells, 4) and the maps' sizes."""
    scores = torch.cat([cls.softmax(dim=1)[:, 1].flatten(start_dim=1) for cls, _ in maps], dim=1)
    offsets = torch.cat([loc.permute(0, 2, 3, 1).flatten(start_dim=1, end_dim=2) for _, loc in maps], dim=1)
    return scores, offsets, [tuple(cls.shape[-2:]) for cls, _ in maps]


def decode(offsets: torch.Tensor, priors: torch.Tensor) -> torch.Tensor:
    """Offsets (..., 4) and anchors (..., 4; centre and size) -> x1, y1, x2, y2 in the anchors' unit.
    Variances 0.1, 0.2.
    """
    centre = priors[..., :2] + 0.1 * offsets[..., :2] * priors[..., 2:]
    size = priors[..., 2:] * torch.exp(0.2 * offsets[..., 2:])
    corner = centre - size / 2
    return torch.cat([corner, corner + size], dim=-1)


def _candidates(scores: torch.Tensor, offsets: torch.Tensor, priors: torch.Tensor, over: float) -> np.ndarray:
    """Boxes and scores of one picture's cells with a probability above `over`: (N, 5)."""
    chosen = scores > over
    boxes = decode(offsets[chosen], priors[chosen])
    return torch.cat([boxes, scores[chosen, None]], dim=1).cpu().numpy()


def face_alignment_faces(maps: Maps, threshold: float = 0.5) -> list[np.ndarray]:
    """Faces of each picture by Wav2Lip's detector, best first: (N, 5) x1, y1, x2, y2 in px, score.

    Boxes under the threshold never suppress a better one, so they are left out before the suppression.
    """
    scores, offsets, sizes = flatten_maps(maps)
    priors = anchors(sizes).to(scores.device)
    faces = []
    for score, offset in zip(scores, offsets, strict=True):
        boxes = _candidates(score, offset, priors, over=threshold)
        faces.append(boxes[non_maximum_suppression(boxes, iou=0.3, pixel=1.0)])
    return faces


def best_rectangle(faces: np.ndarray) -> tuple[int, int, int, int] | None:
    """Wav2Lip's choice among faces (n, 5), x1 y1 x2 y2 score, best first: the best, as integers x1, y1, x2, y2.

    Cut at the left and upper edge alone; None without a face.
    """
    if not len(faces):
        return None
    return tuple(int(value) for value in np.maximum(faces[0, :4], 0.0))


def syncnet_candidates(
    scores: torch.Tensor, offsets: torch.Tensor, priors: torch.Tensor, threshold: float = 0.05
) -> np.ndarray:
    """What syncnet_python's network gives for one picture, best first: (N, 5) x1, y1, x2, y2 in the priors'
    unit, score.
    """
    boxes = _candidates(scores, offsets, priors, over=threshold)
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")[:SYNCNET_TOP_BEFORE_NMS]]
    return boxes[non_maximum_suppression(boxes, iou=0.3, pixel=0.0)[:SYNCNET_TOP_AFTER_NMS]]


def syncnet_priors(sizes: list[tuple[int, int]], height: int, width: int) -> torch.Tensor:
    """Anchors in fractions of a network input of `height` x `width` px: (cells, 4) centre and size."""
    return anchors(sizes) / torch.tensor([width, height, width, height], dtype=torch.float32)


def syncnet_faces(candidates: np.ndarray, height: int, width: int, threshold: float = 0.9) -> np.ndarray:
    """syncnet_python's choice among the candidates (in fractions) of a `height` x `width` px picture: (N, 5)
    in px, score.
    """
    sure = candidates[candidates[:, 4] > threshold].copy()
    sure[:, :4] *= np.array([width, height, width, height], dtype=np.float32)
    return sure[non_maximum_suppression(sure, iou=0.1, pixel=0.0)]


def _network_input(frames: np.ndarray, mean: tuple[float, float, float]) -> torch.Tensor:
    """RGB pictures (B, H, W, 3) -> float32 (B, 3, H, W) less the mean."""
    x = torch.from_numpy(frames.astype(np.float32) - np.array(mean, dtype=np.float32))
    return x.permute(0, 3, 1, 2).contiguous()


def face_alignment_input(frames: np.ndarray) -> torch.Tensor:
    """RGB pictures (B, H, W, 3) 0..255 -> what Wav2Lip's detector is given."""
    return _network_input(frames, FACE_ALIGNMENT_MEAN)


def syncnet_input(frames: np.ndarray, scale: float = SYNCNET_SCALE) -> torch.Tensor:
    """RGB pictures (B, H, W, 3) uint8 -> what syncnet_python's detector is given: shrunk to `scale`, bilinear."""
    import cv2

    small = [cv2.resize(f, dsize=(0, 0), fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR) for f in frames]
    return _network_input(np.stack(small), SYNCNET_MEAN)

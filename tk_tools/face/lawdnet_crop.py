"""LawDNet's crop: the face turned upright in the plane, scaled and moved onto a template, by a similarity transform.

Source: FaceAlign in tensor_processing.py and SimilarityTransform_torch_2D in torch_affine_ops.py,
iPaw-AI-LAB/LawDNet_2024. Nothing is rejected: a profile is fitted as well as it can be.
"""

from __future__ import annotations

import numpy as np

POINTS = np.array([*range(17, 37), 39, 42, 45, 48, 54])  # brows, nose, corners of eyes and mouth; iBUG order
# Where they lie in the crop, in half-widths around its centre (the original's template at its ratio of 1.6).
TEMPLATE = np.array(
    [
        (-0.7829964, -0.8754507),
        (-0.6630508, -0.9833938),
        (-0.4938492, -1.0156250),
        (-0.3186190, -0.9904674),
        (-0.1545971, -0.9219007),
        (0.1545955, -0.9219007),
        (0.3186174, -0.9904674),
        (0.4938493, -1.0156250),
        (0.6630494, -0.9833938),
        (0.7829953, -0.8754507),
        (0.0, -0.7205851),
        (0.0, -0.5549170),
        (0.0, -0.3906250),
        (0.0, -0.2214999),
        (-0.1969774, -0.1069050),
        (-0.1024324, -0.0717135),
        (0.0, -0.0417291),
        (0.1024308, -0.0717135),
        (0.1969758, -0.1069050),
        (-0.5887731, -0.6996946),
        (-0.2485589, -0.6752256),
        (0.2485572, -0.6752256),
        (0.5887715, -0.6996946),
        (-0.3771479, 0.2014054),
        (0.3771463, 0.2014054),
    ]
)
CENTRE = np.array([1, 1.3])  # of the crop, in half-widths


def height_of(width: int) -> int:
    """Rows of a crop `width` pixels wide."""
    return 13 * width // 10


def matrix(landmarks: np.ndarray, width: int) -> np.ndarray:
    """(68, 2) landmarks -> (2, 3) from source to crop pixels: least squares into the template; never singular."""
    source = landmarks[POINTS]
    target = width / 2 * (TEMPLATE + CENTRE)  # on pixel centres, as the original lays it
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    x, y = (source - source_mean).T
    u, v = (target - target_mean).T
    spread = max(np.sum(x * x + y * y), 1e-6)
    # one complex factor
    cosine, sine = np.sum(u * x + v * y) / spread, np.sum(v * x - u * y) / spread
    if cosine**2 + sine**2 < 1e-12:  # points in one place say neither size nor angle
        cosine = 1.0
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([turn, target_mean - turn @ source_mean])


def corners(landmarks: np.ndarray, width: int) -> np.ndarray:
    """(68, 2) landmarks -> (3, 2) corners of the crop in picture edges: top left, top right, bottom left."""
    transform = matrix(landmarks, width)
    crop = np.array([[0, 0], [width, 0], [0, height_of(width)]]) - 0.5
    return (crop - transform[:, 2]) @ np.linalg.inv(transform[:, :2]).T + 0.5

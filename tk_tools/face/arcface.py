"""Who a face is, by ArcFace: five points laid on the published ones, 112 px, a vector for each face.

Right for identity as papers report it; the weights are for non-commercial research alone (InsightFace). For following
a face through a clip the backends' own descriptors are enough (`Backend.describe`).
Source: Deng et al., 2019; deepinsight/insightface, python-package/insightface/utils/face_align.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch

from tk_tools.nets.iresnet import FACE_SIZE, IResNet, load_iresnet_state
from tk_tools.weights.load import load_state_dict

PLACES = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])
"""Where both eyes, the tip of the nose and the corners of the mouth are to lie, x and y in px (left in the picture
first)."""


def five_points(landmarks: np.ndarray) -> np.ndarray:
    """(68, 2) in iBUG order -> (5, 2): middles of both eyes, tip of the nose, corners of the mouth."""
    return np.stack(
        [landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0), landmarks[30], landmarks[48], landmarks[54]]
    )


def alignment(points: np.ndarray) -> np.ndarray:
    """(2, 3): the turn, scale and shift that bring (5, 2) points nearest to PLACES, in the sense of least squares.

    Source: Umeyama, 1991; the points of a face are never mirrored.
    """
    middle, goal = points.mean(axis=0), PLACES.mean(axis=0)
    a, b = points - middle, PLACES - goal
    # As complex numbers the best turn and scale is one quotient.
    a, b = a @ (1, 1j), b @ (1, 1j)
    factor = (a.conj() @ b) / max((a.conj() @ a).real, np.finfo(float).tiny)
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.column_stack([linear, goal - linear @ middle])


def align_face(picture: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """(112, 112, 3) uint8 RGB out of a picture (H, W, 3) by its landmarks (68, 2); black beyond its border."""
    return cv2.warpAffine(picture, alignment(five_points(landmarks)), (FACE_SIZE, FACE_SIZE))


@lru_cache(maxsize=1)
def load_arcface(path: Path, device: str = "cpu") -> IResNet:
    """The published network, of any depth; that of the clip before serves the next one. WeightsError: another file."""
    return load_iresnet_state(load_state_dict(path), path).to(device)


@torch.inference_mode()
def describe_faces(network: IResNet, faces: Sequence[np.ndarray]) -> np.ndarray:
    """Aligned faces (112, 112, 3) uint8 RGB, one or more -> (B, 512) of unit length."""
    device = network.fc.weight.device
    images = torch.from_numpy(np.stack(faces)).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
    return torch.nn.functional.normalize(network(images), dim=1).cpu().numpy()

"""Clips with known faces: the portrait in scikit-image, cut out with a soft edge and laid on a plain, rough ground."""

from functools import cache

import cv2
import numpy as np

FACE_SIZE = 100  # pixels of the portrait's face, hairline to chin about


@cache
def portrait() -> tuple[np.ndarray, np.ndarray]:
    """The head of skimage.data.astronaut: (240, 230, 3) uint8 and its (240, 230) mask in 0..255."""
    from skimage.data import astronaut

    head = astronaut()[10:250, 110:340]
    mask = np.zeros(head.shape[:2], np.uint8)
    cv2.ellipse(mask, center=(115, 120), axes=(107, 116), angle=0, startAngle=0, endAngle=360, color=255, thickness=-1)
    return head, cv2.GaussianBlur(mask, ksize=(0, 0), sigmaX=4)


@cache
def ground(height: int, width: int) -> np.ndarray:
    """(height, width, 3) uint8 without a face: coarse and fine noise of muted colours, the same for each size."""
    noise = np.random.default_rng(seed=1).integers(60, 190, (height // 32 + 1, width // 32 + 1, 3)).astype(np.uint8)
    coarse = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    fine = np.random.default_rng(seed=2).integers(0, 20, (height, width, 1)).astype(np.uint8)
    return np.clip(coarse.astype(int) + fine, 0, 255).astype(np.uint8)


def put_face(
    picture: np.ndarray, x: float, y: float, *, scale: float = 1.0, turn: float = 0.0, mirrored: bool = False
) -> np.ndarray:
    """A copy of the picture (H, W, 3) with the head's centre at (x, y) px; `turn` in degrees, counter-clockwise."""
    head, mask = portrait()
    if mirrored:
        head, mask = head[:, ::-1], mask[:, ::-1]
    height, width = head.shape[:2]
    move = cv2.getRotationMatrix2D(center=(width / 2, height / 2), angle=turn, scale=scale)
    move[:, 2] += (x - width / 2, y - height / 2)
    size = (picture.shape[1], picture.shape[0])
    head = cv2.warpAffine(np.ascontiguousarray(head), move, size, flags=cv2.INTER_AREA)
    share = cv2.warpAffine(np.ascontiguousarray(mask), move, size)[:, :, None] / 255
    return np.round(picture * (1 - share) + head * share).astype(np.uint8)

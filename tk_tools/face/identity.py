"""Whether two faces are the same: how a face looks now (template), and who it is (descriptor).

The template is a small grey patch laid on the landmarks, compared by normalised correlation: near 1 from picture to
picture of one face, under 0.5 where the landmarks were fitted to something else.
"""

from __future__ import annotations

import cv2
import numpy as np

from tk_tools.face.picture import Picture

SAME_PERSON = 0.6  # distance of dlib's descriptors, the threshold of its authors
TEMPLATE_SIDE = 32
EYES, MOUTH = slice(36, 48), slice(48, 68)


def face_template(picture: Picture, landmarks: np.ndarray) -> np.ndarray | None:
    """(32, 32) float32, zero mean and unit length: eyes to mouth, turned upright; None for a face without contrast."""
    eyes, mouth = landmarks[EYES].mean(axis=0), landmarks[MOUTH].mean(axis=0)
    down = mouth - eyes
    reach = np.hypot(*down)
    if reach < 4:
        return None
    # the patch reaches 1.1 times the distance of eyes and mouth to every side of their middle
    scale = TEMPLATE_SIDE / (2.2 * reach)
    cosine, sine = down[1] / reach * scale, down[0] / reach * scale
    middle = (eyes + mouth) / 2
    linear = np.array([[cosine, -sine], [sine, cosine]])
    half = (TEMPLATE_SIDE - 1) / 2
    transform = np.column_stack([linear, half - linear @ middle])
    radius = int(np.ceil(1.6 * reach)) + 2
    low = np.floor(middle).astype(int) - radius
    high = low + 2 * radius
    x1, y1 = np.clip(low, 0, (picture.width - 1, picture.height - 1))
    x2, y2 = np.clip(high, (x1 + 1, y1 + 1), (picture.width, picture.height))
    region = cv2.cvtColor(picture.rgb[y1:y2, x1:x2], cv2.COLOR_RGB2GRAY)
    transform[:, 2] += transform[:, :2] @ (x1, y1)
    shrink = int(0.5 / scale)
    if shrink >= 2:
        region = cv2.blur(region, (shrink, shrink))
    patch = cv2.warpAffine(
        region, transform, (TEMPLATE_SIDE, TEMPLATE_SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    patch -= patch.mean()
    length = float(np.linalg.norm(patch))
    return patch / length if length > 2.0 * TEMPLATE_SIDE else None


def likeness(first: np.ndarray | None, second: np.ndarray | None) -> float:
    """Normalised correlation of two templates (side, side), -1 to 1; 0 when one is missing."""
    return 0.0 if first is None or second is None else float((first * second).sum())

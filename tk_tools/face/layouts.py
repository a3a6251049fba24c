"""The crops that published systems expect, each from the 68 landmarks: a registry of named layouts.

All start from landmarks, so that a face gives the same crop whichever detector found it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tk_tools.errors import ConfigError
from tk_tools.face import boxes, warp

JAW, BROWS, CHIN, EYES, NOSE_BASE = slice(0, 17), slice(17, 27), 8, slice(36, 48), 33  # iBUG order
UPPER_LIP, LOWER_LIP = slice(61, 64), slice(65, 68)  # their inner edges
FOREHEAD = 0.25
JAW_DROP = 0.75  # how far the chin goes down when the lips part by 1; 0.6 to 1.1 from speaker to speaker
JAW_SHARE = 0.5 + 0.5 * np.cos(np.pi * (np.arange(17) - CHIN) / 8)  # of that, along the jaw from ear to ear

# Rows 17...36, 39, 42, 45, 48, 54 of LawDNet's template face (iPaw-AI-LAB/LawDNet_2024, ratio 1.6), in half-widths of
# the crop around its centre.
LAWDNET_POINTS = np.array([*range(17, 37), 39, 42, 45, 48, 54])
LAWDNET_TEMPLATE = np.array(
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


def detected_box(landmarks: np.ndarray) -> np.ndarray:
    """The box that S3FD gives to a face, from its (68, 2) landmarks: middle of the forehead to chin, ear to ear.

    The jaw line bounds it at the sides and below. Above, the brows are moved away from the chin by a quarter of their
    distance from it: hairline to brow, brow to nose and nose to chin are about equal (the thirds of portrait drawing),
    so half a third above the brow is the middle of the forehead. It stays upright on a tilted head, as S3FD's boxes do.

    Started from the boxes of two unlike detectors (HOG and CNN of dlib), the landmarks give boxes that overlap by 0.98
    on average and 0.85 at least (every 25th picture of five clips, 72 in all). S3FD itself was not measured.
    """
    return _box(landmarks, landmarks[JAW])


def face_box(landmarks: np.ndarray) -> np.ndarray:
    """detected_box with the chin where it is while the mouth is shut, whatever the mouth does; (68, 2) landmarks.

    A box that moved with the jaw would tell a network by the upper half of the face what it is to learn from the sound:
    on made clips its height correlates with the mouth's opening by 0.86, this one's by 0.01.
    """
    return _box(landmarks, _shut_jaw(landmarks))


def _box(landmarks: np.ndarray, jaw: np.ndarray) -> np.ndarray:
    brows = landmarks[BROWS]
    forehead = brows + FOREHEAD * (brows.mean(axis=0) - jaw[CHIN])
    return boxes.bounds(np.concatenate([jaw, forehead])) + 0.5


def _shut_jaw(landmarks: np.ndarray) -> np.ndarray:
    """(17, 2): the jaw line as it would be with the lips together."""
    down = landmarks[NOSE_BASE] - landmarks[EYES].mean(axis=0)
    down = down / max(np.linalg.norm(down), 1e-6)
    gap = (landmarks[LOWER_LIP] - landmarks[UPPER_LIP]).mean(axis=0) @ down
    return landmarks[JAW] - JAW_DROP * gap * JAW_SHARE[:, None] * down


def box_corners(box: np.ndarray) -> np.ndarray:
    """Three corners of a box, (3, 2) in picture edges: top left, top right, bottom left."""
    return np.array([[box[0], box[1]], [box[2], box[1]], [box[0], box[3]]])


def wav2lip_corners(landmarks: np.ndarray) -> np.ndarray:
    """The face box itself, squeezed to a square (Rudrabha/Wav2Lip preprocess.py, which takes S3FD's)."""
    return box_corners(face_box(landmarks))


def syncnet_corners(landmarks: np.ndarray) -> np.ndarray:
    """A square 1.4 times the face box's longer side, lowered (joonson/syncnet_python run_pipeline.py, crop_video)."""
    box = detected_box(landmarks)
    half = max(box[2] - box[0], box[3] - box[1]) / 2
    x, y = boxes.center(box)
    return box_corners(np.array([x - 1.4 * half, y - half, x + 1.4 * half, y + 1.8 * half]))


def lawdnet_corners(landmarks: np.ndarray) -> np.ndarray:
    """(68, 2) landmarks -> (3, 2) corners of the crop, pixels: the face turned upright.

    Similarity fit of 25 landmarks to a template (LawDNet tensor_processing.py).
    """
    source = landmarks[LAWDNET_POINTS]
    target = LAWDNET_TEMPLATE
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    x, y = (source - source_mean).T
    u, v = (target - target_mean).T
    spread = np.sum(u * u + v * v)
    # template to picture, as one complex factor
    cosine, sine = np.sum(u * x + v * y) / spread, np.sum(u * y - v * x) / spread
    # the inverse of the best map into the template, which is what the original fits, not the best map out of it
    fit = spread * (cosine**2 + sine**2) / np.sum(x * x + y * y)
    turn = np.array([[cosine, -sine], [sine, cosine]]) / fit
    width, height = LAYOUTS["lawdnet"].width, LAYOUTS["lawdnet"].height
    aspect = height / width
    # the original lays the template on pixel centres: half a pixel of the crop
    crop = np.array([[-1, -aspect], [1, -aspect], [-1, aspect]]) - 1 / width
    return (crop - target_mean) @ turn.T + source_mean + 0.5


@dataclass(frozen=True)
class Layout:
    """A crop of width x height pixels.

    corners: (68, 2) landmarks -> (3, 2) corners of the crop in picture edges. clipped: they stay inside the picture,
    as a slice of it would. border: grey level beyond the picture, None to go on with its last pixels.
    """

    name: str
    width: int
    height: int
    summary: str
    corners: Callable[[np.ndarray], np.ndarray]
    clipped: bool = False
    border: int | None = None

    def transform(
        self,
        corners: np.ndarray,
        picture_width: int,
        picture_height: int,
        pads: tuple[float, float, float, float] = (0, 0, 0, 0),
    ) -> np.ndarray:
        """The (2, 3) map from source to crop pixels. pads: top, bottom, left, right, source pixels; for boxes only."""
        if self.clipped:
            top, bottom, left, right = pads
            (x1, y1), (x2, _), (_, y2) = corners
            x1, x2 = np.clip((x1 - left, x2 + right), 0, picture_width)
            y1, y2 = np.clip((y1 - top, y2 + bottom), 0, picture_height)
            x2, y2 = max(x2, x1 + 1), max(y2, y1 + 1)
            corners = box_corners(np.array([x1, y1, x2, y2]))
        return warp.corners_transform(corners, self.width, self.height)

    def crop(self, picture: np.ndarray, transform: np.ndarray) -> np.ndarray:
        """(height, width, 3) uint8 out of the (H, W, 3) uint8 picture."""
        return warp.crop(picture, transform, width=self.width, height=self.height, border=self.border)


LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout("wav2lip", 96, 96, "forehead to chin, ear to ear (Wav2Lip)", wav2lip_corners, clipped=True),
        Layout("syncnet", 224, 224, "head and neck (SyncNet, LSE)", syncnet_corners, border=warp.GREY),
        Layout("lawdnet", 320, 416, "face turned upright (LawDNet, DINet size 256)", lawdnet_corners, border=0),
    )
}


def find_layout(name: str) -> Layout:
    """A layout by name. ConfigError: there is none of that name."""
    if name not in LAYOUTS:
        raise ConfigError(f"no layout {name}; there are {', '.join(LAYOUTS)}")
    return LAYOUTS[name]

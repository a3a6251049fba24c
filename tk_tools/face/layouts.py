"""The crops that published systems expect, each from the 68 landmarks: a registry of named layouts.

All start from landmarks, so that a face gives the same crop whichever detector found it. Those with a geometry of their
own stand in modules of their own: lawdnet_crop.py, dinet_crop.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from tk_tools.errors import ConfigError
from tk_tools.face import boxes, dinet_crop, lawdnet_crop, warp

JAW, BROWS, CHIN, EYES, NOSE_BASE = slice(0, 17), slice(17, 27), 8, slice(36, 48), 33  # iBUG order
UPPER_LIP, LOWER_LIP = slice(61, 64), slice(65, 68)  # their inner edges
FOREHEAD = 0.25
JAW_DROP = 0.75  # how far the chin goes down when the lips part by 1; 0.6 to 1.1 from speaker to speaker
JAW_SHARE = 0.5 + 0.5 * np.cos(np.pi * (np.arange(17) - CHIN) / 8)  # of that, along the jaw from ear to ear


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


@dataclass(frozen=True)
class Layout:
    """A crop of width x height pixels.

    corners: (68, 2) landmarks -> (3, 2) corners of the crop in picture edges. clipped: they stay inside the picture,
    as a slice of it would. border: grey level beyond the picture, None to go on with its last pixels.
    near: how many pictures before and after have a part in the crop of one; steadied: the corners of such a stretch
    (n, 3, 2), and which of them is meant -> its (3, 2).
    """

    name: str
    width: int
    height: int
    summary: str
    corners: Callable[[np.ndarray], np.ndarray]
    clipped: bool = False
    border: int | None = None
    near: int = 0
    steadied: Callable[[np.ndarray, int], np.ndarray] | None = None

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


def _lawdnet(width: int) -> Layout:
    return Layout(
        "lawdnet",
        width,
        lawdnet_crop.height_of(width),
        "face turned upright (LawDNet)",
        partial(lawdnet_crop.corners, width=width),
        border=0,
    )


def _dinet(width: int) -> Layout:
    return Layout(
        "dinet",
        width,
        lawdnet_crop.height_of(width),
        "upright box from the eyes to below the chin (DINet)",
        dinet_crop.corners,
        near=dinet_crop.NEAR,
        steadied=dinet_crop.steadied,
    )


LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout("wav2lip", 96, 96, "forehead to chin, ear to ear (Wav2Lip)", wav2lip_corners, clipped=True),
        Layout("syncnet", 224, 224, "head and neck (SyncNet, LSE)", syncnet_corners, border=warp.GREY),
        _lawdnet(320),
        _dinet(320),
    )
}
OF_ANY_WIDTH = {"lawdnet": _lawdnet, "dinet": _dinet}


def find_layout(name: str, width: int | None = None) -> Layout:
    """A layout by name, `width` pixels wide (None: as listed). ConfigError: there is none, or it has one size alone."""
    if name not in LAYOUTS:
        raise ConfigError(f"no layout {name}; there are {', '.join(LAYOUTS)}")
    if width is None or width == LAYOUTS[name].width:
        return LAYOUTS[name]
    if name not in OF_ANY_WIDTH:
        raise ConfigError(f"the layout {name} has one size; of any width are {' and '.join(OF_ANY_WIDTH)}")
    return OF_ANY_WIDTH[name](width)

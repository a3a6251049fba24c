"""The portrait that made clips start from: picture, landmarks, and masks of head, skin and hair.

The picture is the public-domain portrait of Eileen Collins (NASA) that ships inside scikit-image as data.astronaut().
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tk_tools.errors import MissingPackage
from tk_tools.files.video import read_picture

LEFT, TOP, SIDE = 105, 2, 240  # the square of the portrait that is used, pixels

# 68 points in the usual order (iBUG 300-W), pixels of the whole portrait, as dlib finds them in it at twice its size.
LANDMARKS = np.array([
    (180, 104), (180, 116), (181, 127), (182, 138.5), (185, 150), (191.5, 160), (200, 168.5), (209.5, 176),
    (220.5, 178.5), (232, 177), (243, 171.5), (253, 164), (260.5, 154.5), (265, 143.5), (268, 132), (270.5, 120.5),
    (272, 108.5),
    (186.5, 94.5), (192.5, 88.5), (201, 87.5), (209.5, 89), (217, 93),
    (235.5, 94), (243.5, 91), (252, 90.5), (260, 92.5), (265.5, 98.5),
    (226, 102.5), (225.5, 110.5), (225.5, 119), (225.5, 127.5),
    (214.5, 131.5), (219.5, 133), (224, 134.5), (229.5, 133.5), (234.5, 132),
    (195, 101.5), (200.5, 98), (207, 98.5), (212.5, 104), (206.5, 104.5), (200, 104),
    (237.5, 105.5), (243.5, 100.5), (250, 100.5), (255.5, 104.5), (250.5, 106.5), (244, 106.5),
    (200.5, 139.5), (209, 139.5), (217.5, 139.5), (223.5, 141), (229.5, 140), (237.5, 140.5), (245.5, 141),
    (237.5, 151.5), (229, 155.5), (222.5, 156), (216, 155), (208, 150),
    (203.5, 140.5), (217.5, 143.5), (223, 144.5), (229, 143.5), (242.5, 142), (229, 150), (222.5, 150.5),
    (216.5, 149.5),
], dtype=np.float64)  # fmt: skip
JAW, BROWS = slice(0, 17), slice(17, 27)
LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)


@dataclass(frozen=True)
class Portrait:
    """picture (240, 240, 3) uint8 RGB; landmarks (68, 2) pixels in it; masks (240, 240) float32, 0 to 1, soft-edged."""

    picture: np.ndarray
    landmarks: np.ndarray
    person: np.ndarray
    skin: np.ndarray
    hair: np.ndarray


def find_portrait() -> Path:
    """The picture's file, found without importing scikit-image. MissingPackage: it is not installed."""
    package = find_spec("skimage")
    if package is None:
        raise MissingPackage("made clips need the portrait in scikit-image; install it with: pip install scikit-image")
    return Path(package.submodule_search_locations[0]) / "data" / "astronaut.png"


@lru_cache(maxsize=1)
def load_portrait() -> Portrait:
    """The portrait, cut out once per process (half a second)."""
    import cv2

    whole = read_picture(find_portrait())
    picture = np.ascontiguousarray(whole[TOP : TOP + SIDE, LEFT : LEFT + SIDE])
    landmarks = LANDMARKS - (LEFT, TOP)
    face = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(landmarks.astype(np.int32)), 255)
    person = _cut_out(picture, face)
    skin = _skin(picture, face, person)
    head = person.copy()
    head[int(landmarks[5, 1]) :] = 0  # hair ends above the collar
    return Portrait(
        picture=picture,
        landmarks=landmarks,
        person=_soften(person, 1.5),
        skin=_soften(skin, 2.5),
        hair=_soften(cv2.subtract(head, skin), 2.0),
    )


def _cut_out(picture: np.ndarray, face: np.ndarray) -> np.ndarray:
    """(240, 240) uint8, 255 on the person: GrabCut from a rough ellipse of the head."""
    import cv2

    label = np.full((SIDE, SIDE), cv2.GC_PR_BGD, np.uint8)
    cv2.ellipse(label, (102, 83), (68, 70), 0, 0, 360, cv2.GC_PR_FGD, -1)
    label[face > 0] = cv2.GC_FGD
    label[:8] = cv2.GC_BGD
    label[:128, :10] = cv2.GC_BGD
    label[:128, 205:] = cv2.GC_BGD
    body = np.array([(20, 190), (165, 190), (200, SIDE), (20, SIDE)], np.int32)
    cv2.fillConvexPoly(label, body, cv2.GC_FGD)
    cv2.setRNGSeed(0)
    model = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(picture[:, :, ::-1].copy(), label, None, *model, 5, cv2.GC_INIT_WITH_MASK)
    return np.where((label == cv2.GC_FGD) | (label == cv2.GC_PR_FGD), 255, 0).astype(np.uint8)


def _skin(picture: np.ndarray, face: np.ndarray, person: np.ndarray) -> np.ndarray:
    """(240, 240) uint8, 255 on face, forehead, ears and neck: skin colour in and around the outline of the face."""
    import cv2

    near = cv2.dilate(face, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (45, 45)))
    tone = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)
    lightest_shade = np.full((SIDE, 1), 135)
    lightest_shade[155:] = 70  # the neck lies in the chin's shadow
    coloured = ((tone[:, :, 0] > lightest_shade) & (tone[:, :, 1] > 137)).astype(np.uint8) * 255
    inner = cv2.erode(face, np.ones((5, 5), np.uint8))
    skin = cv2.bitwise_and(cv2.bitwise_and(near, coloured), person)
    skin = cv2.morphologyEx(cv2.bitwise_or(skin, inner), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return cv2.morphologyEx(skin, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))


def _soften(mask: np.ndarray, sigma: float) -> np.ndarray:
    import cv2

    return cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), sigma)

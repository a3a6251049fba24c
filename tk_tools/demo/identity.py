"""Faces that differ: the portrait with another shape, skin, hair, clothes, background, light, and mirrored or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tk_tools.demo.portrait import BROWS, JAW, LEFT_EYE, RIGHT_EYE, SIDE, load_portrait

# Factors on R, G, B.
SKIN_TONES = (
    (1.0, 1.0, 1.0), (1.04, 0.98, 0.94), (0.86, 0.78, 0.7), (0.72, 0.6, 0.5), (0.6, 0.47, 0.38), (0.93, 0.84, 0.72),
)  # fmt: skip
HAIR_TONES = (
    (1.0, 1.0, 1.0), (0.3, 0.28, 0.3), (0.55, 0.45, 0.4), (1.25, 1.2, 0.95), (1.05, 0.62, 0.42), (1.1, 1.15, 1.35),
)  # fmt: skip

# Where a mirrored face keeps its 68 points.
MIRRORED = np.array([
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1),
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), 67, 66, 65,
])  # fmt: skip


@dataclass(frozen=True)
class Face:
    """One made person at rest, drawn `scale` times as large as the portrait.

    picture (n, n, 3) uint8 RGB; mouth (n, n, 3) the same before the skin was tinted, for teeth;
    landmarks (68, 2) pixels.
    """

    picture: np.ndarray
    mouth: np.ndarray
    landmarks: np.ndarray
    scale: float

    @property
    def height(self) -> float:
        """From the bridge of the nose (point 27) to the chin (point 8) with the mouth closed, pixels."""
        return float(np.linalg.norm(self.landmarks[8] - self.landmarks[27]))


def make_face(random: np.random.Generator, *, scale: float) -> Face:
    """Draw one person with `random`."""
    import cv2

    portrait = load_portrait()
    moved = _reshape(random, portrait.landmarks)
    skin_tone = np.array(SKIN_TONES[random.integers(len(SKIN_TONES))]) * random.uniform(0.94, 1.06, size=3)
    hair_tone = np.array(HAIR_TONES[random.integers(len(HAIR_TONES))]) * random.uniform(0.9, 1.1)
    clothes_hue = int(random.integers(180))
    backdrop = _backdrop(random)
    light = _light(random)
    mirrored = bool(random.integers(2))

    plain = portrait.picture.astype(np.float32)
    hsv = cv2.cvtColor(portrait.picture, cv2.COLOR_RGB2HSV)
    hsv[:, :, 0] = (hsv[:, :, 0].astype(int) + clothes_hue) % 180
    clothed = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB).astype(np.float32)
    skin, hair = portrait.skin[:, :, None], portrait.hair[:, :, None]
    eyes = _eye_mask(portrait.landmarks)[:, :, None]
    tinted = plain * (skin * skin_tone.astype(np.float32) + (1 - skin))
    tinted = eyes * plain + (1 - eyes) * tinted
    tinted = tinted * (1 - hair) + hair * plain * hair_tone.astype(np.float32)
    worn = np.clip(1 - skin - hair, 0, 1)
    tinted = tinted * (1 - worn) + clothed * worn
    person = portrait.person[:, :, None]
    tinted = (tinted * person + backdrop * (1 - person)) * light

    side = round(SIDE * scale)
    back = _warp(moved, portrait.landmarks, side=side, scale=scale)
    picture, mouth = (_draw(layer, *back) for layer in (tinted, plain * light))
    landmarks = (moved + 0.5) * scale - 0.5
    if mirrored:
        picture, mouth = (np.ascontiguousarray(layer[:, ::-1]) for layer in (picture, mouth))
        landmarks = landmarks[MIRRORED] * (-1, 1) + (side - 1, 0)
    return Face(picture=picture, mouth=mouth, landmarks=landmarks, scale=scale)


def _reshape(random: np.random.Generator, landmarks: np.ndarray) -> np.ndarray:
    """Landmarks of another face: wider or narrower, longer or shorter, by a few pixels of the portrait."""
    moved = landmarks.copy()
    middle = landmarks[27:31].mean(axis=0)
    width, length = random.uniform(0.91, 1.08), random.uniform(0.96, 1.05)
    moved[JAW] = middle + (moved[JAW] - middle) * (width, length)
    chin = np.exp(-(((np.arange(17) - 8) / 3.0) ** 2))
    moved[JAW, 1] += random.uniform(-3, 3) * chin
    moved[JAW, 0] += random.uniform(-3, 3) * chin * np.sign(np.arange(17) - 8)
    moved[BROWS, 1] += random.uniform(-3, 1.5)
    eye_size, eye_distance = random.uniform((0.95, 0.9), (1.12, 1.25)), random.uniform(-1.5, 2)
    for eye, side in ((LEFT_EYE, -1), (RIGHT_EYE, 1)):
        centre = moved[eye].mean(axis=0)
        moved[eye] = centre + (moved[eye] - centre) * eye_size + (side * eye_distance, 0)
    nose = slice(31, 36)
    moved[nose] = moved[nose].mean(axis=0) + (moved[nose] - moved[nose].mean(axis=0)) * (random.uniform(0.85, 1.3), 1)
    moved[27:36, 1] += np.linspace(0, random.uniform(-2, 2), 9)
    mouth = slice(48, 68)
    centre = moved[mouth].mean(axis=0)
    moved[mouth] = centre + (moved[mouth] - centre) * (random.uniform(0.86, 1.06), random.uniform(0.95, 1.15))
    moved[mouth, 1] += random.uniform(-1, 2.5)
    smile = np.abs(moved[mouth, 0] - centre[0]) / np.ptp(moved[mouth, 0]) * 2
    moved[mouth, 1] += random.uniform(0.5, 4.5) * smile**2  # the portrait smiles; most people who talk do less
    return moved


def _warp(moved: np.ndarray, landmarks: np.ndarray, *, side: int, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Maps (side, side) float32 from the drawn face back into the portrait: a thin-plate spline held at the frame."""
    import cv2
    from scipy.interpolate import RBFInterpolator

    edge = np.linspace(0, SIDE - 1, 7)
    frame = np.array([(x, y) for x in edge for y in edge if x in edge[[0, -1]] or y in edge[[0, -1]]])
    top = np.array([(60.0, 40), (100, 15), (140, 30), (165, 70), (40, 75)])  # hair that stays on the head
    fixed = np.concatenate([frame, top])
    knots = np.concatenate([moved, fixed])
    shift = np.concatenate([landmarks - moved, np.zeros_like(fixed)])
    coarse = np.arange(0, SIDE + 3, 4)
    grid = np.stack(np.meshgrid(coarse, coarse), axis=-1).reshape(-1, 2).astype(np.float64)
    spline = RBFInterpolator(knots, shift, kernel="thin_plate_spline", smoothing=3.0)
    field = spline(grid).reshape(len(coarse), len(coarse), 2).astype(np.float32)
    x, y = np.meshgrid(*[((np.arange(side, dtype=np.float32) + 0.5) / scale - 0.5)] * 2)
    fine = cv2.remap(field, x / 4, y / 4, interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return x + fine[:, :, 0], y + fine[:, :, 1]


def _draw(layer: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    import cv2

    layer = np.clip(layer, 0, 255).astype(np.uint8)
    return cv2.remap(layer, x, y, interpolation=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _eye_mask(landmarks: np.ndarray) -> np.ndarray:
    """(240, 240) float32: 1 on the eyes, which keep their colour."""
    import cv2

    mask = np.zeros((SIDE, SIDE), np.uint8)
    for eye in (LEFT_EYE, RIGHT_EYE):
        cv2.fillConvexPoly(mask, cv2.convexHull(landmarks[eye].round().astype(np.int32)), 255)
    return cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), 0.8)


def _backdrop(random: np.random.Generator) -> np.ndarray:
    """(240, 240, 3) float32: a wall of two colours that run into each other, with soft blotches."""
    import cv2

    corners = random.uniform(40, 215, size=(2, 2, 3)).astype(np.float32)
    wall = cv2.resize(corners, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    spots = random.normal(0, 14, size=(9, 9)).astype(np.float32)
    blotches = cv2.resize(spots, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return wall + blotches[:, :, None]


def _light(random: np.random.Generator) -> np.ndarray:
    """(240, 240, 3) float32 factors: brightness, warmth, and a slope across the picture."""
    slope = random.uniform(-0.18, 0.18, size=2)
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    warmth = random.uniform(-0.08, 0.08)
    factors = random.uniform(0.82, 1.12) * (1 + slope[0] * x + slope[1] * y)
    return (factors[:, :, None] * (1 + warmth, 1, 1 - warmth)).astype(np.float32)

"""Draw a made face: mouth open so far and so wide, eyes shut or not, head turned, light as it is.

Works by moving pixels (cv2.remap) of one picture: lips and chin along smooth fields, the head in front of its frame.
The inside of an open mouth is drawn: the portrait's own upper teeth where they are, darkness and a tongue below.
"""

from __future__ import annotations

import cv2
import numpy as np

from tk_tools.demo.identity import Face
from tk_tools.demo.motion import Motion
from tk_tools.demo.portrait import LEFT_EYE, RIGHT_EYE, SIDE

WIDEST_OPENING = 0.20  # gap between the lips at 1, fraction of the face's height (Face.height)
ROUNDED, SPREAD = 0.70, 1.08  # width of the mouth at -1 and 1, as a factor
FIELD_OF_VIEW = 200  # side of the picture in the portrait's pixels; the rest is margin for motion
SUPERSAMPLING = 1.5  # size of the face's drawing against the finished picture
DARKNESS, TONGUE = np.float32((38, 14, 16)), np.float32((122, 50, 52))


def face_scale(size: int) -> float:
    """The scale that make_face needs for pictures of `size` pixels a side."""
    return SUPERSAMPLING * size / FIELD_OF_VIEW


def true_opening(opening: np.ndarray) -> np.ndarray:
    """The gap between the lips that is drawn for an opening of 0 .. 1, fraction of the face's height."""
    return np.asarray(opening * WIDEST_OPENING, dtype=np.float32)


def true_width(width: np.ndarray, face: Face) -> np.ndarray:
    """The width of the mouth that is drawn for -1 .. 1, fraction of the face's height."""
    at_rest = np.linalg.norm(face.landmarks[54] - face.landmarks[48]) / face.height
    return np.asarray(at_rest * _width_factor(width), dtype=np.float32)


def _width_factor(width):
    return np.where(width > 0, 1 + (SPREAD - 1) * width, 1 + (1 - ROUNDED) * width)


class Renderer:
    """Pictures of one face, `size` pixels a side."""

    def __init__(self, face: Face, size: int):
        self.face, self.size = face, size
        self.mouth = _MouthPatch(face)
        self.eyes = [_EyePatch(face, eye) for eye in (LEFT_EYE, RIGHT_EYE)]
        self._prepare_motion()

    def draw(self, *, opening: float, width: float, motion: Motion, index: int) -> np.ndarray:
        """(size, size, 3) uint8 RGB. opening 0 .. 1, width -1 .. 1; motion's values at `index`."""
        drawn = self.face.picture.copy()
        self.mouth.draw(drawn, opening=opening, width=width)
        if motion.blink[index] > 0:
            for eye in self.eyes:
                eye.draw(drawn, shut=float(motion.blink[index]))
        map_x, map_y = self._head_map(motion, index)
        picture = cv2.remap(drawn, map_x, map_y, interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return cv2.convertScaleAbs(picture, alpha=float(motion.gain[index]))

    def _prepare_motion(self) -> None:
        side, size = self.face.picture.shape[0], self.size
        unit = self.face.scale  # pixels of the drawing per pixel of the portrait
        margin = (SIDE - FIELD_OF_VIEW) / 2 * unit
        step = FIELD_OF_VIEW * unit / size
        x, y = np.meshgrid(*[margin + (np.arange(size, dtype=np.float32) + 0.5) * step - 0.5] * 2)
        y -= 0.55 * margin  # more room below the chin than above the hair
        nose, chin = self.face.landmarks[[30, 8]].astype(np.float32)
        far = np.hypot(x - nose[0], (y - nose[1]) / 1.1) / unit
        self._whole = np.clip((135 - far) / 75, 0, 1).astype(np.float32)  # 1 on the head, 0 at the frame
        self._whole *= self._whole * (3 - 2 * self._whole)
        self._depth = np.exp(-((far / 45) ** 2)).astype(np.float32)  # how far a point stands out of the face
        self._x, self._y = x, y
        self._about_x, self._about_y = (x - chin[0]) * self._whole, (y - chin[1]) * self._whole
        self._side = side

    def _head_map(self, motion: Motion, index: int) -> tuple[np.ndarray, np.ndarray]:
        roll, scale = motion.roll[index], motion.scale[index]
        along, across = np.float32(np.cos(roll) / scale - 1), np.float32(np.sin(roll) / scale)
        pixels = FIELD_OF_VIEW * self.face.scale
        right, down, yaw, pitch = (
            np.float32(curve[index] * pixels) for curve in (motion.right, motion.down, motion.yaw, motion.pitch)
        )
        map_x = self._x + along * self._about_x + across * self._about_y - right * self._whole - yaw * self._depth
        map_y = self._y + along * self._about_y - across * self._about_x - down * self._whole - pitch * self._depth
        return map_x, map_y


class _MouthPatch:
    """The part of the drawing that the mouth moves: from under the nose to under the chin."""

    def __init__(self, face: Face):
        points, unit = face.landmarks.astype(np.float32), face.scale
        self.face_height = face.height
        left, right = points[48], points[54]
        self.centre_x, self.half_width = (left[0] + right[0]) / 2, (right[0] - left[0]) / 2
        self.nose_y, self.chin_y = points[33, 1] + 1.5 * unit, points[8, 1]
        self.neck_y = self.chin_y + 26 * unit
        reach = 2.5 * self.half_width
        limit = face.picture.shape[0]
        self.x0, self.x1 = max(0, int(self.centre_x - reach)), min(limit, int(self.centre_x + reach))
        self.y0, self.y1 = int(self.nose_y), min(limit, int(self.neck_y) + 1)
        patch = slice(self.y0, self.y1), slice(self.x0, self.x1)
        self.patch, self.picture, self.teeth = patch, face.picture, face.mouth[patch].astype(np.float32)
        self.x, self.y = (
            axis.astype(np.float32) for axis in np.meshgrid(np.arange(self.x0, self.x1), np.arange(self.y0, self.y1))
        )
        self.unit = unit
        # Inner edges of the lips as parabolas; a little outside, so that no tooth sticks to a lip.
        inner_left, inner_right = points[60], points[64]
        self.inner = 0.92 * (inner_right[0] - inner_left[0]) / 2 / self.half_width
        level = (inner_left[1] + inner_right[1]) / 2
        self.tilt = (inner_right[1] - inner_left[1]) / (inner_right[0] - inner_left[0])
        self.level = level
        self.upper_sag = points[61:64, 1].mean() - level - 0.8 * unit
        self.lower_sag = points[65:68, 1].mean() - level + 0.9 * unit

        across = (self.x - self.centre_x) / self.half_width
        self.side_window = np.clip(1 - (np.abs(across) / 2.4) ** 2, 0, 1) ** 2
        lips_y = level + (self.upper_sag + self.lower_sag) / 2
        down = (self.y - lips_y) / (1.1 * self.half_width)
        below_nose = np.clip((self.y - self.nose_y) / (lips_y - self.nose_y), 0, 1)
        self.width_window = np.exp(-((across / 1.3) ** 2) - down**2) * below_nose * (2 - below_nose)
        tall = points[57, 1] - level
        self.shadow_height = max(1.0, 0.08 * tall)

    def draw(self, drawn: np.ndarray, *, opening: float, width: float) -> None:
        """Put the mouth into `drawn`, in place."""
        factor = float(_width_factor(width))
        source_x = self.x + (self.x - self.centre_x) * (1 / factor - 1) * self.width_window
        across = (source_x - self.centre_x) / self.half_width
        bow = np.clip(1 - (across / self.inner) ** 2, 0, 1)  # 1 in the middle, 0 at the corners
        base = self.level + self.tilt * (self.x - self.centre_x)
        upper, lower = base + self.upper_sag * bow, base + self.lower_sag * bow  # in the picture at rest
        gap = opening * WIDEST_OPENING * self.face_height
        meet = base + (0.45 * self.upper_sag + 0.55 * self.lower_sag) * bow
        rounded = np.sqrt(bow) if gap > 0 else bow
        top, bottom = meet - 0.2 * gap * rounded, meet + 0.8 * gap * rounded  # where they are now

        y = self.y
        above = np.clip((y - self.nose_y) / (top - self.nose_y), 0, 1)
        source_y = y - (top - upper) * above
        drop = 0.62 * gap * self.side_window
        chin = self.chin_y + drop
        part = np.clip((y - bottom) / (chin - bottom), 0, 1)
        fade = np.clip((self.neck_y - y) / (self.neck_y - chin), 0, 1)
        lowered = y - ((bottom - lower) * (1 - part) + drop * part) * np.minimum(fade, 1)
        source_y = np.where(y > (top + bottom) / 2, lowered, source_y)

        skin = cv2.remap(
            self.picture, source_x.astype(np.float32), source_y.astype(np.float32), interpolation=cv2.INTER_LINEAR
        ).astype(np.float32)
        seam = np.exp(-(((y - meet) / self.shadow_height) ** 2)) * (bow > 0) * np.clip(1 - gap / (2 * self.unit), 0, 1)
        skin *= (1 - 0.45 * seam)[:, :, None]
        between = np.clip(y - top + 0.5, 0, 1) * np.clip(bottom - y + 0.5, 0, 1)
        inside = between * np.clip((bottom - top) / self.unit, 0, 1)
        skin += (self._inside(y, top, bottom, lower, across) - skin) * inside[:, :, None]
        drawn[self.patch] = np.clip(skin, 0, 255).astype(np.uint8)

    def _inside(self, y, top, bottom, lower, across) -> np.ndarray:
        """(h, w, 3) float32: teeth hanging from the upper jaw, the tongue near the lower lip, darkness between."""
        depth = np.clip((y - top) / np.maximum(bottom - top, 1), 0, 1)
        tongue = np.clip(depth * 2.2 - 1.3, 0, 1) * np.clip(1 - across**2 * 1.6, 0, 1)
        cavity = DARKNESS + (TONGUE - DARKNESS) * tongue[:, :, None]
        edge = lower - 1.6 * self.unit - self.unit * across**2
        teeth = np.clip((edge - y) / (0.8 * self.unit) + 0.5, 0, 1) * np.clip(1.6 - 2.2 * np.abs(across), 0, 1)
        shade = np.clip(0.55 + (y - top) / (3 * self.unit), 0.55, 0.95)
        return cavity + (self.teeth * shade[:, :, None] - cavity) * teeth[:, :, None]


class _EyePatch:
    """One eye: the upper lid comes down over it."""

    def __init__(self, face: Face, eye: slice):
        points, unit = face.landmarks[eye].astype(np.float32), face.scale
        self.picture = face.picture
        self.centre_x = (points[0, 0] + points[3, 0]) / 2
        self.half_width = (points[3, 0] - points[0, 0]) / 2 + 1.5 * unit
        x0, x1 = int(self.centre_x - self.half_width), int(self.centre_x + self.half_width) + 1
        self.lid_y = points[1:3, 1].min() - 7 * unit
        y0, y1 = int(self.lid_y), int(points[4:6, 1].max() + 2 * unit)
        self.patch = slice(y0, y1), slice(x0, x1)
        self.x, self.y = (axis.astype(np.float32) for axis in np.meshgrid(np.arange(x0, x1), np.arange(y0, y1)))
        across = (self.x - self.centre_x) / self.half_width
        bow = np.clip(1 - across**2, 0, 1)
        level = (points[0, 1] + points[3, 1]) / 2
        self.top = level + (points[1:3, 1].mean() - level - 1.2 * unit) * bow
        self.bottom = level + (points[4:6, 1].mean() - level + 0.6 * unit) * bow
        self.skin_ends = self.top - 2.2 * unit  # above the lashes, which would smear
        self.lashes = np.exp(-(((self.y - self.bottom) / (0.9 * unit)) ** 2)) * np.sqrt(bow)

    def draw(self, drawn: np.ndarray, *, shut: float) -> None:
        """Put the eye into `drawn`, in place."""
        edge = self.top + shut * (self.bottom - self.top)
        ends = self.top + shut * (self.skin_ends - self.top)
        stretched = self.lid_y + (self.y - self.lid_y) * (ends - self.lid_y) / (edge - self.lid_y)
        source_y = np.where(self.y < edge, stretched, self.y).astype(np.float32)
        eye = cv2.remap(self.picture, self.x, source_y, interpolation=cv2.INTER_LINEAR)
        drawn[self.patch] = eye * (1 - 0.5 * shut * self.lashes)[:, :, None]

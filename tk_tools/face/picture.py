"""One picture as the face code sees it: RGB at hand, grey on demand, and a patch around a face at a chosen scale.

Points are in pixels with integers at pixel centres; boxes are (x1, y1, x2, y2) in pixel edges, so that a box covers
rows y1 to y2 - 1 when it is whole. A point p lies at p + 0.5 in edge coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np


@dataclass(frozen=True)
class Patch:
    """A grey square cut out of a picture and scaled: `pixels` (side, side) uint8.

    `scale` is patch pixels per picture pixel, `origin` the patch's corner in picture edges.
    """

    pixels: np.ndarray
    scale: float
    origin: np.ndarray

    def points_to_picture(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) points of the patch as points of the picture."""
        return (np.asarray(points) + 0.5) / self.scale + self.origin - 0.5

    def box_to_picture(self, box: np.ndarray) -> np.ndarray:
        """(4,) box of the patch as a box of the picture."""
        return np.asarray(box, dtype=float) / self.scale + np.tile(self.origin, 2)

    def box_from_picture(self, box: np.ndarray) -> np.ndarray:
        """(4,) box of the picture as a box of the patch."""
        return (np.asarray(box, dtype=float) - np.tile(self.origin, 2)) * self.scale


class Picture:
    """An RGB picture, (height, width, 3) uint8."""

    def __init__(self, rgb: np.ndarray):
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
            raise ValueError(f"expected (height, width, 3) uint8, not {rgb.shape} {rgb.dtype}")
        self.rgb = rgb
        self.height, self.width = rgb.shape[:2]

    @cached_property
    def gray(self) -> np.ndarray:
        """The whole picture in grey, (height, width) uint8."""
        return cv2.cvtColor(self.rgb, cv2.COLOR_RGB2GRAY)

    @cached_property
    def thumbnail(self) -> np.ndarray:
        """(16, 16, 3) float32 block means of a thinned picture: enough to tell a cut."""
        step = max(1, min(self.height, self.width) // 128)
        thinned = np.ascontiguousarray(self.rgb[::step, ::step])
        return cv2.resize(thinned, (16, 16), interpolation=cv2.INTER_AREA).astype(np.float32)

    def shrunk(self, longest: int, enlarge: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """RGB with its longer side at `longest` pixels (at most `enlarge` times larger), and its (x, y) scale."""
        factor = min(longest / max(self.height, self.width), enlarge)
        if abs(factor - 1) < 0.02:
            return self.rgb, np.ones(2)
        size = (max(1, round(self.width * factor)), max(1, round(self.height * factor)))
        small = cv2.resize(self.rgb, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
        return small, np.array(size) / (self.width, self.height)

    def cut_out(self, center: np.ndarray, side: float, pixels: int) -> tuple[np.ndarray, float, np.ndarray]:
        """RGB square of about `side` picture pixels around `center` (edges), scaled to `pixels`.

        Gives (pixels, pixels, 3) uint8, its scale and its corner. Beyond the border the last row or column goes on.
        """
        region, origin = self._square(center, side)
        whole = region.shape[0]
        return _scaled(region, pixels), pixels / whole, origin

    def patch(self, center: np.ndarray, side: float, pixels: int) -> Patch:
        """The same square in grey, (pixels, pixels) uint8, with its scale and corner."""
        region, origin = self._square(center, side)
        whole = region.shape[0]
        return Patch(_scaled(cv2.cvtColor(region, cv2.COLOR_RGB2GRAY), pixels), pixels / whole, origin)

    def _square(self, center: np.ndarray, side: float) -> tuple[np.ndarray, np.ndarray]:
        """A square of whole pixels, and its corner."""
        whole = max(2, round(side))
        x, y = (round(float(value) - whole / 2) for value in center)
        # a box that ran away must not ask for more than the picture and its surroundings
        x, y = int(np.clip(x, -whole, self.width)), int(np.clip(y, -whole, self.height))
        x1, y1 = min(max(x, 0), self.width - 1), min(max(y, 0), self.height - 1)
        x2, y2 = max(min(x + whole, self.width), x1 + 1), max(min(y + whole, self.height), y1 + 1)
        region = self.rgb[y1:y2, x1:x2]
        if region.shape[:2] != (whole, whole):
            region = cv2.copyMakeBorder(
                region,
                top=max(0, y1 - y),
                bottom=max(0, y + whole - y2),
                left=max(0, x1 - x),
                right=max(0, x + whole - x2),
                borderType=cv2.BORDER_REPLICATE,
            )[:whole, :whole]
        return region, np.array([x, y], dtype=float)


def _scaled(region: np.ndarray, pixels: int) -> np.ndarray:
    interpolation = cv2.INTER_AREA if region.shape[0] > pixels else cv2.INTER_LINEAR
    return cv2.resize(region, (pixels, pixels), interpolation=interpolation)

"""A face's place as LawDNet and DINet mean it: an aligned crop, by the layout of that name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from tk_tools.dubbing.footage import Framing
from tk_tools.errors import InputError
from tk_tools.face import warp
from tk_tools.face.layouts import Layout
from tk_tools.face.smooth import FaceFrame
from tk_tools.files.face_file import FaceFile


@dataclass(frozen=True)
class AlignedShot:
    """A picture (H, W, 3) uint8 RGB, the map (2, 3) from it to the crop, and the crop (h, w, 3); both None without a
    face."""

    picture: np.ndarray
    transform: np.ndarray | None
    crop: np.ndarray | None


def aligned_framing(layout: Layout) -> Framing[AlignedShot]:
    """The place of a face is the corners of its crop; it may reach beyond the picture."""
    return Framing(
        numbers=6,
        found=_found,
        stored=partial(_stored, layout.name),
        fitted=_fitted,
        shot=partial(_shot, layout),
    )


def _found(frame: FaceFrame) -> np.ndarray:
    return frame.corners.ravel()


def _stored(layout: str, file: FaceFile) -> np.ndarray:
    if file.layout != layout:
        raise InputError(f"holds crops of layout {file.layout}; crop again with --layout {layout}", path=file.path)
    width, height = file.frames.width, file.frames.height
    corners = [warp.transform_corners(transform, width, height)[[0, 1, 3]].ravel() for transform in file.transform]
    return np.array(corners)


def _fitted(corners: np.ndarray, width: int, height: int) -> np.ndarray | None:
    """None: the crop lies wholly outside the picture."""
    low, high = corners.reshape(3, 2).min(axis=0), corners.reshape(3, 2).max(axis=0)
    return corners if (high > 0).all() and (low < (width, height)).all() else None


def _shot(layout: Layout, picture: np.ndarray, corners: np.ndarray | None) -> AlignedShot:
    if corners is None:
        return AlignedShot(picture, None, None)
    transform = layout.transform(corners.reshape(3, 2), picture.shape[1], picture.shape[0])
    return AlignedShot(picture, transform, layout.crop(picture, transform))

"""From detections to face tracks and 224 px crops, by syncnet_python's procedure, which published LSE values rest on.

Right for repeating those values (published_tracks does); tk-crop-face follows faces in its own, steadier way. Source:
joonson/syncnet_python run_pipeline.py, and the content detector of PySceneDetect 0.5.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from tk_tools.face.boxes import overlap
from tk_tools.face.warp import GREY
from tk_tools.files.rates import FRAME_RATE

CUT_THRESHOLD = 30.0  # mean change of H, S and V, in levels
CUT_LEAST_FRAMES = 15  # between two cuts
SAME_FACE_IOU = 0.5
LARGEST_GAP = 25  # frames without a detection inside a track
LEAST_DETECTIONS = 100  # a track has more
LEAST_SIZE = 100  # px; a track's mean size is larger
CROP_SIZE = 224  # px
CROP_SCALE = 0.40
CROP_MEDIAN = 13  # frames

# Least width -> every how many-th pixel the content detector looks at.
_THINNING = ((3200, 12), (2100, 8), (1700, 6), (1200, 5), (900, 4), (600, 3), (400, 2))


@dataclass(frozen=True)
class FaceTrack:
    """One face through a shot: frames (N,) without gaps, boxes (N, 4) x1, y1, x2, y2 in px, missed frames
    interpolated.
    """

    frames: np.ndarray
    boxes: np.ndarray


class CutFinder:
    """Which frames begin a new shot; asked of each frame, in order."""

    def __init__(self) -> None:
        self._before: np.ndarray | None = None
        self._number = -1
        self._last: int | None = None

    def is_cut(self, frame: np.ndarray) -> bool:
        """Whether a new shot begins with this frame, RGB (H, W, 3) uint8."""
        import cv2

        step = next((k for width, k in _THINNING if frame.shape[1] >= width), 1)
        now = cv2.cvtColor(np.ascontiguousarray(frame[::step, ::step]), cv2.COLOR_RGB2HSV).astype(np.int32)
        self._number += 1
        changed = self._before is not None and np.abs(now - self._before).mean() >= CUT_THRESHOLD
        self._before = now
        if not changed or (self._last is not None and self._number - self._last < CUT_LEAST_FRAMES):
            return False
        self._last = self._number
        return True


def _next_track(shot: list[list[tuple[int, Sequence[float]]]]) -> list[tuple[int, Sequence[float]]]:
    """Take one track out of the detections that are left: the first free face, and what follows it."""
    track: list[tuple[int, Sequence[float]]] = []
    for detections in shot:
        place = 0
        while place < len(detections):
            frame, box = detections[place]
            if track and frame - track[-1][0] > LARGEST_GAP:
                break
            if not track or overlap(box, track[-1][1]) > SAME_FACE_IOU:
                track.append(detections.pop(place))
                # The original removes from the list that it walks, so it skips the one after a taken one.
            place += 1
    return track


def find_tracks(shot: Iterable[Iterable[tuple[int, Sequence[float]]]]) -> list[FaceTrack]:
    """Face tracks of one shot. shot: for each frame its detections (frame number, box), in the detector's order.

    Kept are tracks of more than 100 detections whose larger mean side is over 100 px.
    """
    left = [list(detections) for detections in shot]
    tracks = []
    while found := _next_track(left):
        if len(found) <= LEAST_DETECTIONS:
            continue
        seen = np.array([frame for frame, _ in found])
        boxes = np.array([box for _, box in found], dtype=np.float64)
        frames = np.arange(seen[0], seen[-1] + 1)
        boxes = np.stack([np.interp(frames, seen, boxes[:, side]) for side in range(4)], axis=1)
        if max((boxes[:, 2] - boxes[:, 0]).mean(), (boxes[:, 3] - boxes[:, 1]).mean()) > LEAST_SIZE:
            tracks.append(FaceTrack(frames, boxes))
    return tracks


@dataclass(frozen=True)
class CropPath:
    """Where each frame of a track is cropped: half side and centre in px, each (N,)."""

    half: np.ndarray
    x: np.ndarray
    y: np.ndarray


def crop_path(boxes: np.ndarray) -> CropPath:
    """Boxes (N, 4) -> half of the longer side and centre, through a median filter with zeros beyond the ends."""
    from scipy.signal import medfilt

    x1, y1, x2, y2 = np.asarray(boxes, dtype=np.float64).T
    return CropPath(
        half=medfilt(np.maximum(y2 - y1, x2 - x1) / 2, kernel_size=CROP_MEDIAN),
        x=medfilt((x1 + x2) / 2, kernel_size=CROP_MEDIAN),
        y=medfilt((y1 + y2) / 2, kernel_size=CROP_MEDIAN),
    )


def crop_frame(frame: np.ndarray, half: float, x: float, y: float) -> np.ndarray:
    """One picture (H, W, 3) -> (224, 224, 3): from one half side above the centre to 1.8 below, 1.4 to both sides.

    Outside the picture lies grey.
    """
    import cv2

    below, beside = half * (1 + 2 * CROP_SCALE), half * (1 + CROP_SCALE)
    border = int(below)  # the original pads by this much, and what it truncates are places in the padded picture
    height, width = frame.shape[0] + 2 * border, frame.shape[1] + 2 * border
    top, bottom = max(0, int(y + border - half)), min(height, int(y + border + below))
    left, right = max(0, int(x + border - beside)), min(width, int(x + border + beside))
    crop = np.full((bottom - top, right - left, 3), GREY, dtype=np.uint8)
    inside = frame[max(0, top - border) : max(0, bottom - border), max(0, left - border) : max(0, right - border)]
    row, column = max(0, border - top), max(0, border - left)
    crop[row : row + inside.shape[0], column : column + inside.shape[1]] = inside
    return cv2.resize(crop, dsize=(CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_LINEAR)


def audio_cut(frames: np.ndarray) -> tuple[Fraction, Fraction]:
    """Start and end in seconds of the sound of a track's frames (n,), ascending numbers at 25 frames/s."""
    return Fraction(int(frames[0]), FRAME_RATE), Fraction(int(frames[-1]) + 1, FRAME_RATE)

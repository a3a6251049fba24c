"""From sightings to a steady crop, with a short look ahead: late finds traced back, short gaps filled, jitter smoothed.

Holds a second of pictures at most, whatever the length of the clip. Nothing is carried over a cut.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from tk_tools.face import boxes
from tk_tools.face.layouts import Layout, box_corners, face_box
from tk_tools.face.picture import Picture
from tk_tools.face.track import Sighting, Tracker
from tk_tools.files.rates import FRAME_RATE

SMOOTHING_SECONDS = 0.05  # standard deviation of the window over the corners of the crop
GAP_SECONDS = 0.4  # longest gap that is filled
GAP_OVERLAP = 0.2  # of the face boxes at both ends of a gap


@dataclass(frozen=True)
class FaceFrame:
    """One picture with its face.

    rgb: (H, W, 3). box: (4,) the face box, corners: (3, 2) of the crop; both smoothed, in picture edges. landmarks:
    (68, 2) as found or interpolated, None without. score: NaN where the detector did not see the face. valid: the
    crop shows it.
    """

    rgb: np.ndarray
    box: np.ndarray
    corners: np.ndarray
    landmarks: np.ndarray | None
    score: float
    valid: bool


@dataclass
class _Slot:
    picture: Picture
    scene: int
    landmarks: np.ndarray | None = None
    score: float = float("nan")
    shape: np.ndarray | None = None  # (10,): corners of the crop, then the face box

    def fill(self, layout: Layout, landmarks: np.ndarray, score: float = float("nan")) -> None:
        self.landmarks, self.score = landmarks, score
        self.shape = np.concatenate([layout.corners(landmarks).ravel(), face_box(landmarks)])


class FaceStream:
    """Iterate over the FaceFrames of a clip's pictures ((H, W, 3) uint8 RGB), one for each, in order."""

    def __init__(
        self,
        pictures: Iterable[np.ndarray],
        tracker: Tracker,
        layout: Layout,
        *,
        fps: float = FRAME_RATE,
        smoothing: float = SMOOTHING_SECONDS,
        gap: float = GAP_SECONDS,
    ):
        self._pictures, self._tracker, self._layout = pictures, tracker, layout
        self._gap = round(gap * fps)
        deviation = smoothing * fps
        self._half = int(np.ceil(3 * deviation))
        offsets = np.arange(-self._half, self._half + 1)
        self._weights = np.exp(-0.5 * (offsets / deviation) ** 2) if deviation > 0 else np.ones(1)
        self._reach = self._half + layout.near  # pictures before and after that shape the crop of one
        self._waiting: deque[_Slot] = deque()
        self._done: deque[_Slot] = deque(maxlen=max(1, self._reach))
        self._held: np.ndarray | None = None  # the last smoothed shape

    def __iter__(self) -> Iterator[FaceFrame]:
        scene = 0
        for rgb in self._pictures:
            picture = Picture(rgb)
            sighting, cut = self._tracker.step(picture)
            scene += cut
            slot = _Slot(picture, scene)
            self._waiting.append(slot)
            if sighting is not None:
                slot.fill(self._layout, sighting.landmarks, sighting.score)
                self._trace_back(sighting)
                self._fill_gap()
            if len(self._waiting) > self._gap + self._reach:
                yield self._finish()
        while self._waiting:
            yield self._finish()

    def _empty_run(self) -> list[_Slot]:
        """The slots without a face just before the newest one, in its scene, latest first."""
        run = []
        waiting = reversed(self._waiting)
        scene = next(waiting).scene
        for slot in waiting:
            if slot.shape is not None or slot.scene != scene:
                break
            run.append(slot)
        return run

    def _trace_back(self, sighting: Sighting) -> None:
        run = self._empty_run()
        if run:
            found = self._tracker.trace_back([slot.picture for slot in run], sighting, self._waiting[-1].picture)
            for slot, before in zip(run, found, strict=False):
                slot.fill(self._layout, before.landmarks, before.score)

    def _fill_gap(self) -> None:
        """Interpolate over a gap that ends with the newest found slots, when the face before it is the same."""
        slots = [*self._done, *self._waiting]
        end = len(slots) - 1
        while end > 0 and slots[end - 1].shape is not None:
            end -= 1
        start = end - 1
        while start >= 0 and slots[start].shape is None:
            start -= 1
        missing = end - start - 1
        if start < 0 or not 0 < missing <= self._gap or slots[start].scene != slots[end].scene:
            return
        first, last = slots[start], slots[end]
        if boxes.overlap(first.shape[6:], last.shape[6:]) < GAP_OVERLAP:
            return
        for index in range(start + 1, end):
            share = (index - start) / (missing + 1)
            slots[index].fill(self._layout, (1 - share) * first.landmarks + share * last.landmarks)

    def _finish(self) -> FaceFrame:
        slot = self._waiting.popleft()
        valid = slot.shape is not None
        if valid:
            self._held = self._smoothed(slot)
        elif self._held is None:
            self._held = _middle(slot.picture)
        shape = self._held
        self._done.append(slot)
        return FaceFrame(
            rgb=slot.picture.rgb,
            box=shape[6:],
            corners=shape[:6].reshape(3, 2),
            landmarks=slot.landmarks,
            score=slot.score,
            valid=valid,
        )

    def _smoothed(self, slot: _Slot) -> np.ndarray:
        """Weighted mean over the unbroken run of found slots around this one; shorter, but even, near its ends."""
        after = _run_length(self._waiting, slot.scene, self._reach)
        before = _run_length(reversed(self._done), slot.scene, self._reach) if self._reach else 0
        past = [*self._done][-before:] if before else []
        shapes = np.stack([found.shape for found in (*past, slot, *(self._waiting[index] for index in range(after)))])
        reach = min(before, after, self._half)
        run = range(before - reach, before + reach + 1)
        if self._layout.steadied is None:
            shapes = shapes[run.start : run.stop]
        else:
            shapes = np.stack([self._steadied(shapes, index) for index in run])
        weights = self._weights[self._half - reach : self._half + reach + 1]
        return weights @ shapes / weights.sum()

    def _steadied(self, shapes: np.ndarray, index: int) -> np.ndarray:
        """A shape (10,) of a run (n, 10), its corners by those beside it."""
        first = max(0, index - self._layout.near)
        near = shapes[first : index + self._layout.near + 1, :6].reshape(-1, 3, 2)
        corners = self._layout.steadied(near, index - first)
        return np.concatenate([corners.ravel(), shapes[index, 6:]])


def _run_length(slots: Iterable[_Slot], scene: int, limit: int) -> int:
    length = 0
    for slot in slots:
        if length == limit or slot.shape is None or slot.scene != scene:
            break
        length += 1
    return length


def _middle(picture: Picture) -> np.ndarray:
    """The largest centred square: where there was no face yet."""
    length = min(picture.width, picture.height)
    box = boxes.square(np.array([picture.width, picture.height]) / 2, length)
    return np.concatenate([box_corners(box).ravel(), box])

"""Faces by dlib: HOG detector in a picture pyramid, CNN detector as second opinion, 68 landmarks by regression trees.

Works offline: the model files are those of the package face_recognition_models (Kazemi and Sullivan 2014 for the
landmarks, King 2015 "Max-Margin Object Detection" for the CNN). All of it runs on one thread of the processor.
"""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np

from tk_tools.errors import MissingPackage
from tk_tools.face import boxes
from tk_tools.face.backends import BackendOptions, Detection
from tk_tools.face.picture import Patch, Picture
from tk_tools.weights.find import find_weights

SEARCH_SIDES = (640, 1920, 3200)  # longer side of the picture for the HOG efforts: faces from 1/8, 1/24, 1/40 of it
CNN_SIDE = 480  # the CNN takes 7 microseconds a pixel
ENLARGE = 2.5  # small pictures are enlarged by this much at most
SEARCH_SCORE = 0.0
FOLLOW_SCORE = -0.3
FOLLOW_FACE = 84  # face side in the small patch that is searched while following: one octave above the window is enough
FOLLOW_REGION = 1.6  # side of that patch over the side of the face
LANDMARK_ZOOM = 2  # the landmarks are taken from a patch this much larger
CONFIRM_REGION, CONFIRM_PIXELS = 1.5, 140

# The HOG box against the bounds of the 68 landmarks, means over 1770 frames of five clips: side over mean side, centre
# offsets over width and height (standard deviations 0.065, 0.059, 0.038).
BOX_SIDE, BOX_X, BOX_Y = 1.04, 0.0, -0.087


class DlibBackend:
    """See Backend. The score is the HOG detector's margin: about 2 for a clear frontal face, 0 at the border."""

    label = "dlib (HOG, 68 landmarks)"
    efforts = len(SEARCH_SIDES) + 1
    sure_score = 1.0

    def __init__(self, options: BackendOptions = BackendOptions()):
        try:
            import dlib
        except ImportError as error:
            raise MissingPackage("the dlib backend needs dlib: pip install dlib-bin") from error
        self._dlib = dlib
        self._hog = dlib.get_frontal_face_detector()
        self._weights_dir = options.weights_dir
        self._predictor = dlib.shape_predictor(self._weights("dlib-landmarks"))
        self._last: tuple[Picture, Patch] | None = None

    def _weights(self, name: str) -> str:
        return str(find_weights(name, self._weights_dir))

    @cached_property
    def _cnn(self):
        return self._dlib.cnn_face_detection_model_v1(self._weights("dlib-detector"))

    @cached_property
    def _descriptor(self):
        return self._dlib.face_recognition_model_v1(self._weights("dlib-recognition"))

    def search(self, picture: Picture, effort: int) -> list[Detection]:
        if effort < len(SEARCH_SIDES):
            if effort and ENLARGE * max(picture.width, picture.height) <= SEARCH_SIDES[effort - 1]:
                return []  # the effort before saw it as large already
            small, scale = picture.shrunk(SEARCH_SIDES[effort], enlarge=ENLARGE)
            found = self._hog_boxes(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), SEARCH_SCORE)
        else:
            small, scale = picture.shrunk(CNN_SIDE, enlarge=ENLARGE)
            found = [Detection(_edges(hit.rect), hit.confidence) for hit in self._cnn(np.ascontiguousarray(small), 0)]
        inverse = 1 / np.tile(scale, 2)
        found = [Detection(detection.box * inverse, detection.score) for detection in found]
        return sorted(found, key=lambda detection: -detection.score)

    def follow(self, picture: Picture, box: np.ndarray) -> list[Detection]:
        patch = self._around(picture, box)
        half = patch.pixels.shape[0] // LANDMARK_ZOOM
        small = cv2.resize(patch.pixels, (half, half), interpolation=cv2.INTER_AREA)
        found = self._hog_boxes(small, FOLLOW_SCORE)
        return [Detection(patch.box_to_picture(detection.box * LANDMARK_ZOOM), detection.score) for detection in found]

    def confirm(self, picture: Picture, box: np.ndarray) -> bool:
        side = boxes.side(box) * CONFIRM_REGION
        region, scale, origin = picture.cut_out(boxes.center(box), side, CONFIRM_PIXELS)
        hits = [_edges(hit.rect) / scale + np.tile(origin, 2) for hit in self._cnn(region, 0)]
        return any(boxes.overlap(hit, box) > 0.3 for hit in hits)

    def landmarks(self, picture: Picture, box: np.ndarray) -> np.ndarray:
        patch = self._around(picture, box)
        left, top, right, bottom = (round(float(value)) for value in patch.box_from_picture(box))
        parts = self._predictor(patch.pixels, self._dlib.rectangle(left, top, right - 1, bottom - 1)).parts()
        return patch.points_to_picture(np.array([(part.x, part.y) for part in parts], dtype=float))

    def _around(self, picture: Picture, box: np.ndarray) -> Patch:
        """The grey patch around a face; that of the call before serves again when it shows the same face."""
        side = boxes.side(box) * FOLLOW_REGION
        if self._last is not None and self._last[0] is picture:
            patch = self._last[1]
            size = patch.pixels.shape[0] / patch.scale
            apart = np.abs(patch.origin + size / 2 - boxes.center(box)).max()
            if abs(side - size) < 0.2 * size and apart < 0.15 * size:
                return patch
        patch = picture.patch(boxes.center(box), side, LANDMARK_ZOOM * round(FOLLOW_FACE * FOLLOW_REGION))
        self._last = (picture, patch)
        return patch

    def expected_box(self, landmarks: np.ndarray) -> np.ndarray:
        left, top, right, bottom = boxes.bounds(landmarks)
        width, height = right - left, bottom - top
        middle = np.array([(left + right) / 2 + BOX_X * width, (top + bottom) / 2 + BOX_Y * height])
        return boxes.square(middle + 0.5, BOX_SIDE * (width + height) / 2)

    def describe(self, picture: Picture, landmarks: np.ndarray) -> np.ndarray:
        box = self.expected_box(landmarks)
        region, _, _ = picture.cut_out(boxes.center(box), boxes.side(box) * 1.25, 150)
        return np.array(self._descriptor.compute_face_descriptor(region))

    def _hog_boxes(self, gray: np.ndarray, least: float) -> list[Detection]:
        rectangles, scores, _ = self._hog.run(gray, 0, least)
        return [Detection(_edges(rectangle), score) for rectangle, score in zip(rectangles, scores, strict=True)]


def _edges(rectangle) -> np.ndarray:
    return np.array([rectangle.left(), rectangle.top(), rectangle.right() + 1, rectangle.bottom() + 1], dtype=float)

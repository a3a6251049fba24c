"""Faces by the package face-alignment: one of its detectors, and FAN's landmarks (Bulat and Tzimiropoulos 2017).

Its weights are found on this machine and never downloaded here; the package's own loading, which would, is passed by.
A detector looks at the whole picture when searching and at a square around the face when following.
"""

from __future__ import annotations

import warnings
from functools import cached_property
from importlib import import_module
from pickle import UnpicklingError

import cv2
import numpy as np

from tk_tools.errors import ConfigError, MissingPackage, WeightsError
from tk_tools.face import boxes
from tk_tools.face.backends import DETECTORS, BackendOptions, Detection
from tk_tools.face.layouts import detected_box
from tk_tools.face.picture import Picture
from tk_tools.weights.find import find_weights
from tk_tools.weights.load import load_state_dict, load_strictly

LANDMARKS = "fan-2d"
DETECTOR_WEIGHTS = {
    "sfd": {"path_to_detector": "s3fd"},
    "blazeface": {"path_to_detector": "blazeface", "path_to_anchor": "blazeface-anchors"},
    "blazeface-back": {"path_to_detector": "blazeface-back", "path_to_anchor": "blazeface-back-anchors"},
    "retinaface": {"path_to_detector": "retinaface"},
    "scrfd": {"path_to_detector": "scrfd"},
    "yunet": {"path_to_detector": "yunet"},
    "dlib": {},
}
SEARCH_SIDES = (640, 1600)  # longer side of the picture for the two efforts
FOLLOW_REGION, FOLLOW_PIXELS = 2.0, 256
ENLARGE = 2.0
LEAST_SCORE, CONFIRM_SCORE = 0.5, 0.6
SQUARE_SHARES = (1.0, 0.5)  # BlazeFace sees squares: of the shorter side, and of half of it

# The detector's box against detected_box: x and y of the centre, width, height. BlazeFace and dlib measured over 72
# pictures of five clips (deviations 0.01, 0.04, 0.05, 0.07); the others are trained on WIDER FACE like S3FD.
BOX_OF_DETECTOR = {
    "blazeface": (0.0, 0.05, 1.065, 0.875),
    "blazeface-back": (0.0, 0.06, 1.068, 0.878),
    "dlib": (0.0, 0.015, 1.09, 0.865),
}


class FaceAlignmentBackend:
    """See Backend. The score is the detector's probability, 1 where it gives none (dlib).

    MissingPackage: face-alignment is not installed. WeightsError: a file is missing; says which and where to put it.
    """

    sure_score = 0.9

    def __init__(self, options: BackendOptions = BackendOptions()):
        if options.detector not in DETECTORS:
            raise ConfigError(f"no detector {options.detector}; there are {', '.join(DETECTORS)}")
        try:
            import face_alignment
        except ImportError as error:
            raise MissingPackage(f"this backend needs a package: pip install face-alignment ({error})") from error
        self._package = face_alignment
        self._options = options
        self.detector = options.detector
        self.label = f"face-alignment ({self.detector}, FAN 2D)"
        self.efforts = 3 if self.detector.startswith("blazeface") else len(SEARCH_SIDES)
        # both are opened now: a missing file is told before any work is done
        self._detect = None if self.detector == "folder" else self._make_detector()
        self._fan = self._make_fan()

    def _weights(self, name: str) -> str:
        return str(find_weights(name, self._options.weights_dir))

    def _make_detector(self):
        module = import_module(f"face_alignment.detection.{self.detector.removesuffix('-back')}")
        files = {key: self._weights(name) for key, name in DETECTOR_WEIGHTS[self.detector].items()}
        if self.detector == "blazeface-back":
            files["back_model"] = True
        if self.detector == "dlib" and "cuda" in self._options.device:
            files["path_to_detector"] = self._weights("dlib-detector")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a detector that is asked for by name, "deprecated"
                return module.FaceDetector(device=self._options.device, **files)
        except ImportError as error:
            name = error.name or "onnxruntime"
            raise MissingPackage(f"the detector {self.detector} needs {name}: pip install {name}") from error
        except (RuntimeError, EOFError, OSError, ValueError, UnpicklingError, cv2.error) as error:
            cause = (str(error).splitlines() or [type(error).__name__])[0]
            what = f"is not a weight file of the detector {self.detector}, or it is damaged ({cause})"
            raise WeightsError(what, path=files.get("path_to_detector")) from error

    def _make_fan(self):
        path = self._weights(LANDMARKS)

        class Offline(self._package.FaceAlignment):
            """The package's aligner with the network from a file at hand."""

            def _load_native(self, network_name, network_size, device, dtype):
                from face_alignment.models import FAN

                net = load_strictly(FAN(network_size), load_state_dict(path), path, "FAN (68 landmarks in 2D)")
                return net.to(device, dtype=dtype).eval()

        return Offline(
            self._package.LandmarksType.TWO_D,
            device=self._options.device,
            # a detector is asked for by the constructor; the one that needs no file is never called
            face_detector="folder",
            compile=False,
        )

    @cached_property
    def _relation(self) -> tuple[float, float, float, float]:
        return BOX_OF_DETECTOR.get(self.detector, (0.0, 0.0, 1.0, 1.0))

    def search(self, picture: Picture, effort: int) -> list[Detection]:
        if self.detector.startswith("blazeface"):
            found = self._search_squares(picture, effort)
        else:
            small, scale = picture.shrunk(SEARCH_SIDES[effort], enlarge=ENLARGE)
            inverse = 1 / np.tile(scale, 2)
            found = [Detection(detection.box * inverse, detection.score) for detection in self._run(small)]
        return sorted(found, key=lambda detection: -detection.score)

    def follow(self, picture: Picture, box: np.ndarray) -> list[Detection]:
        side = boxes.side(box) * FOLLOW_REGION
        return self._run_square(picture, boxes.center(box), side)

    def confirm(self, picture: Picture, box: np.ndarray) -> bool:
        near = self.follow(picture, box)
        return any(hit.score >= CONFIRM_SCORE and boxes.overlap(hit.box, box) > 0.4 for hit in near)

    def landmarks(self, picture: Picture, box: np.ndarray) -> np.ndarray:
        points = self._fan.get_landmarks_from_image(picture.rgb, detected_faces=[box])
        return np.asarray(points[0], dtype=float)

    def expected_box(self, landmarks: np.ndarray) -> np.ndarray:
        box = detected_box(landmarks)
        x, y, across, down = self._relation
        size = np.array([box[2] - box[0], box[3] - box[1]])
        middle = boxes.center(box) + (x, y) * size
        return np.concatenate([middle - size * (across, down) / 2, middle + size * (across, down) / 2])

    def describe(self, picture: Picture, landmarks: np.ndarray) -> None:
        return None

    def _run(self, rgb: np.ndarray) -> list[Detection]:
        found = self._detect.detect_from_image(np.ascontiguousarray(rgb))
        rows = [np.asarray(row, dtype=float) for row in found if len(row) >= 4]
        detections = [Detection(row[:4], float(row[4]) if len(row) > 4 else 1.0) for row in rows]
        return [detection for detection in detections if detection.score >= LEAST_SCORE]

    def _run_square(self, picture: Picture, middle: np.ndarray, side: float) -> list[Detection]:
        region, scale, origin = picture.cut_out(middle, side, FOLLOW_PIXELS)
        corner = np.tile(origin, 2)
        return [Detection(detection.box / scale + corner, detection.score) for detection in self._run(region)]

    def _search_squares(self, picture: Picture, effort: int) -> list[Detection]:
        """The whole picture, then half-overlapping squares: BlazeFace shrinks what it gets to 128 or 256 pixels."""
        longer, shorter = max(picture.width, picture.height), min(picture.width, picture.height)
        side = longer if effort == 0 else shorter * SQUARE_SHARES[effort - 1]
        found: list[Detection] = []
        for x in _places(picture.width, side):
            for y in _places(picture.height, side):
                for detection in self._run_square(picture, np.array([x, y]), side):
                    if all(boxes.overlap(detection.box, other.box) < 0.3 for other in found):
                        found.append(detection)
        return found


def _places(length: int, side: float) -> np.ndarray:
    """Centres of half-overlapping spans that cover a length."""
    if side >= length:
        return np.array([length / 2])
    count = int(np.ceil((length - side) / (side / 2))) + 1
    return np.linspace(side / 2, length - side / 2, count)

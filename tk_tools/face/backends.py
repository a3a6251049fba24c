"""Who finds faces and their landmarks: the registry of backends, and what each of them must be able to do.

A backend is made by name; its packages are imported and its weights opened only then.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tk_tools.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np

    from tk_tools.face.picture import Picture

DEFAULT_BACKEND = "dlib"
DEFAULT_FACE = "largest"  # of several, the one to follow
BACKENDS = {
    "dlib": "tk_tools.face.dlib_backend:DlibBackend",
    "face-alignment": "tk_tools.face.fan_backend:FaceAlignmentBackend",
}
DETECTORS = ("sfd", "blazeface", "blazeface-back", "retinaface", "scrfd", "yunet", "dlib", "folder")
"""Detectors of face-alignment; the dlib backend has its own."""


@dataclass(frozen=True, eq=False)
class Detection:
    """A face: `box` (4,) in picture edges, by the backend's own convention; `score` on its own scale, more is surer."""

    box: np.ndarray
    score: float


@dataclass(frozen=True)
class BackendOptions:
    """detector: one of DETECTORS, for face-alignment only. weights_dir: where its files lie, besides TK_WEIGHTS.
    device: of torch."""

    detector: str = "sfd"
    weights_dir: Path | None = None
    device: str = "cpu"


class Backend(Protocol):
    """Finds faces in pictures. The efforts of `search` grow in cost; a follower tries them in turn."""

    label: str  # name, detector and landmarks, as recorded in files
    efforts: int  # number of ways to search a whole picture
    sure_score: float  # detections from here on need no second look

    def search(self, picture: Picture, effort: int) -> list[Detection]:
        """All faces of the whole picture, best first."""

    def follow(self, picture: Picture, box: np.ndarray) -> list[Detection]:
        """Faces near `box` (4,), x1 y1 x2 y2 in pixels, about as large as it; weak ones too."""

    def confirm(self, picture: Picture, box: np.ndarray) -> bool:
        """A slow second opinion: is there a face in this box (4,)?"""

    def landmarks(self, picture: Picture, box: np.ndarray) -> np.ndarray:
        """(68, 2) float64 points (iBUG order) of the face in the box (4,), both in pixels."""

    def expected_box(self, landmarks: np.ndarray) -> np.ndarray:
        """The box (4,) that the detector would give to a face with these landmarks (68, 2)."""

    def describe(self, picture: Picture, landmarks: np.ndarray) -> np.ndarray | None:
        """(E,) of a face with landmarks (68, 2): at a distance of 0.6 or more are two persons. None: not known here."""


def make_backend(name: str = DEFAULT_BACKEND, options: BackendOptions = BackendOptions()) -> Backend:
    """A backend by name. ConfigError: no such backend; MissingPackage, WeightsError: what it needs is not there."""
    if name not in BACKENDS:
        raise ConfigError(f"no face backend {name}; there are {', '.join(BACKENDS)}")
    module, attribute = BACKENDS[name].split(":")
    return getattr(import_module(module), attribute)(options)

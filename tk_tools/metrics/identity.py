"""Whether the made face is the real one's: the cosine of two descriptors, 1 for the same picture.

By ArcFace (Deng et al., 2019) where its weights are here, else by the descriptor of the backend that finds the faces,
dlib's. Numbers of the two cannot be set against each other.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from tk_tools.face.backends import Backend
from tk_tools.face.picture import Picture
from tk_tools.face.smooth import FaceFrame

BATCH = 16  # pairs


class IdentityMeter(Protocol):
    """The mean cosine of pairs of faces that come one by one."""

    network: str  # what describes the faces

    def add(self, made: FaceFrame, reference: FaceFrame) -> None:
        """Both with landmarks."""

    def mean(self) -> float | None:
        """Of all pairs so far; None: there was none, or the faces cannot be described."""


class BackendIdentity:
    """By the backend's descriptor."""

    def __init__(self, backend: Backend, name: str):
        self._backend, self.network = backend, name
        self._values: list[float] = []

    def add(self, made: FaceFrame, reference: FaceFrame) -> None:
        persons = [self._backend.describe(Picture(frame.rgb), frame.landmarks) for frame in (made, reference)]
        if all(person is not None for person in persons):
            first, second = (person / np.linalg.norm(person) for person in persons)
            self._values.append(float(first @ second))

    def mean(self) -> float | None:
        return float(np.mean(self._values)) if self._values else None


class ArcFaceIdentity:
    """By ArcFace, in batches. network: of face.arcface.load_arcface."""

    def __init__(self, network):
        self._net, self.network = network, f"arcface-r{network.depth}"
        self._waiting: list[np.ndarray] = []  # made, reference, made, reference ...
        self._values: list[float] = []

    def add(self, made: FaceFrame, reference: FaceFrame) -> None:
        from tk_tools.face.arcface import align_face

        self._waiting += [align_face(frame.rgb, frame.landmarks) for frame in (made, reference)]
        if len(self._waiting) >= 2 * BATCH:
            self._measure()

    def mean(self) -> float | None:
        if self._waiting:
            self._measure()
        return float(np.mean(self._values)) if self._values else None

    def _measure(self) -> None:
        from tk_tools.face.arcface import describe_faces

        persons = describe_faces(self._net, self._waiting)
        self._waiting.clear()
        self._values += (persons[::2] * persons[1::2]).sum(axis=1).tolist()

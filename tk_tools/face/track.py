"""Follow one face through a clip: search, follow, check, and never hop to another face.

Each picture is seen once. A face that is followed is looked for only around its last place, at one scale; a face that
is lost is searched for in the whole picture, at first cheaply, then with more effort. A find counts when the detector
is sure, when a second detector agrees, or when it looks like the face of the picture before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tk_tools.errors import ConfigError
from tk_tools.face import boxes
from tk_tools.face.backends import Backend, Detection
from tk_tools.face.cuts import LEAST_JUMP, CutDetector
from tk_tools.face.identity import SAME_PERSON, face_template, likeness
from tk_tools.face.picture import Picture
from tk_tools.files.rates import FRAME_RATE

LEAST_OVERLAP = 0.35  # of a find with the place where the face is expected
LARGEST_GROWTH = 1.6  # of its side from one picture to the next
WEAK = 0.3  # share of the sure score below which a find that looks unlike is taken for a blunder of the detector
# Likeness to the face before, asked of a find and of a face that the detector does not see. From picture to picture it
# is 0.94 in the median and 0.64 at the least over 1500 pictures of five clips.
ALIKE_FOUND, ALIKE_UNSEEN = 0.5, 0.8
ALIKE_CUT = 0.8  # a change of the picture under a face that stays like this is no cut
SAME_PLACE = 0.3  # overlap of a face found again with the place where it was lost
UNSEEN_SECONDS = 1.0  # how long a face may be followed by its looks alone
CONFIRM_SECONDS = 0.5  # between two slow second opinions
LOST_RECENTLY_SECONDS = 1.0
OTHERS = 3  # faces beside the chosen one that are remembered, so that none of them takes its place
SEARCH_EVERY = 3  # pictures, once the face is missing for so many; those between are traced back
FINER_EVERY, FINEST_EVERY = 75, 250  # pictures between two searches of more effort while the face is missing


@dataclass(frozen=True)
class Sighting:
    """The face in one picture: `landmarks` (68, 2) in source pixels; `score` NaN when the detector did not see it."""

    landmarks: np.ndarray
    score: float


def check_choice(choice: str) -> str:
    """A choice of face: largest, left, right, or a number counted from the left, from 1. ConfigError: anything else."""
    if choice in ("largest", "left", "right") or (choice.isdecimal() and int(choice) >= 1):
        return choice
    raise ConfigError(f"no face {choice!r}; say largest, left, right, or its number from the left (1, 2, ...)")


@dataclass
class _Track:
    """What is known of the face that is followed."""

    box: np.ndarray  # where the detector is expected to see it, after the last picture
    speed: np.ndarray  # of that box, in pixels a picture
    template: np.ndarray | None
    unseen: int = 0  # pictures since the detector saw it
    since_confirmed: int = 0

    def expected(self) -> np.ndarray:
        return self.box + 0.5 * self.speed


class Tracker:
    """Feed pictures in order to `step`; `trace_back` looks for a face that was just found in the pictures before."""

    def __init__(self, backend: Backend, choice: str = "largest", fps: float = FRAME_RATE):
        self._backend = backend
        self._choice = check_choice(choice)
        self._unseen_limit = round(UNSEEN_SECONDS * fps)
        self._confirm_pause = round(CONFIRM_SECONDS * fps)
        self._recently = round(LOST_RECENTLY_SECONDS * fps)
        self._cuts = CutDetector()
        self._track: _Track | None = None
        self._lost: _Track | None = None  # the face as it was when it was lost
        self._portrait: tuple[Picture, np.ndarray] | None = None  # where the followed person was seen well
        self._scene: np.ndarray | None = None  # thumbnail when the face was lost
        self._missing = 0  # pictures without the face
        self._others: list[tuple[Picture, np.ndarray]] = []  # who was beside that person
        self._strangers: list[tuple[np.ndarray, int]] = []  # boxes of others, and how long not to ask again
        self.most_faces = 0  # the most faces seen in one picture, of those that were searched as a whole

    def step(self, picture: Picture) -> tuple[Sighting | None, bool]:
        """The face in the next picture, or None; and whether a new scene begins with it."""
        cut = self._cuts.is_cut(picture)
        if self._track is not None:
            sighting = self._continue(picture, self._track, alike=ALIKE_CUT if cut else None)
            if sighting is not None:
                return sighting, False  # the face goes on through a flash, or a change of the background
            self._lost, self._track = self._track, None
            self._scene = picture.thumbnail
            self._missing = 0
        if cut:
            self._lost, self._missing = None, 0
            self._strangers.clear()
        sighting = self._search(picture, new_scene=cut or self._portrait is None)
        self._missing = 0 if sighting is not None else self._missing + 1
        return sighting, cut

    def trace_back(self, pictures: Iterable[Picture], sighting: Sighting, picture: Picture) -> list[Sighting]:
        """The face of `sighting` (seen in `picture`) in the pictures before it, latest first, until it is not there."""
        track = self._begin(picture, sighting)
        found = []
        for earlier in pictures:
            before = self._continue(earlier, track, confirm=False)
            if before is None:
                break
            found.append(before)
        return found

    def _begin(self, picture: Picture, sighting: Sighting) -> _Track:
        box = self._backend.expected_box(sighting.landmarks)
        return _Track(box=box, speed=np.zeros(4), template=face_template(picture, sighting.landmarks))

    def _continue(
        self, picture: Picture, track: _Track, alike: float | None = None, confirm: bool = True
    ) -> Sighting | None:
        """The followed face in the next picture. `alike`: likeness that is asked of every find, as after a cut."""
        backend, expected = self._backend, track.expected()
        if boxes.overlap(expected, (0, 0, picture.width, picture.height)) <= 0 or boxes.side(expected) < 8:
            return None
        near = [
            detection
            for detection in backend.follow(picture, expected)
            if boxes.overlap(detection.box, expected) >= LEAST_OVERLAP
            and 1 / LARGEST_GROWTH < boxes.side(detection.box) / boxes.side(expected) < LARGEST_GROWTH
        ]
        if near:
            best = max(near, key=lambda detection: boxes.overlap(detection.box, expected))
            # detectors answer in steps of their grid: half of the expected place steadies the landmarks
            landmarks = backend.landmarks(picture, (best.box + expected) / 2)
            template = face_template(picture, landmarks)
            like = likeness(template, track.template)
            if track.template is None or like >= (ALIKE_FOUND if alike is None else alike):
                self._advance(track, landmarks, template)
                track.unseen = track.since_confirmed = 0
                return Sighting(landmarks, best.score)
            if best.score >= WEAK * backend.sure_score:
                return None  # another face passes in front of this one
        if alike is not None:
            return None
        track.unseen += 1
        track.since_confirmed += 1
        landmarks = backend.landmarks(picture, expected)
        template = face_template(picture, landmarks)
        unseen_ok = track.unseen <= self._unseen_limit and likeness(template, track.template) >= ALIKE_UNSEEN
        if not unseen_ok:
            if not confirm or 1 < track.since_confirmed < self._confirm_pause:
                return None
            if not backend.confirm(picture, expected):
                return None
            track.unseen = 0
            track.since_confirmed = 1
        self._advance(track, landmarks, template)
        return Sighting(landmarks, float("nan"))

    def _advance(self, track: _Track, landmarks: np.ndarray, template: np.ndarray | None) -> None:
        box = self._backend.expected_box(landmarks)
        track.speed = 0.5 * track.speed + 0.5 * (box - track.box)
        track.box = box
        if template is not None:
            # a face that is being covered must not creep into the template
            weight = 0.3 if likeness(template, track.template) >= 0.7 else 0.1
            mixed = template if track.template is None else (1 - weight) * track.template + weight * template
            track.template = mixed / np.linalg.norm(mixed)

    def _search(self, picture: Picture, new_scene: bool) -> Sighting | None:
        """Look for the face in the whole picture, at a new scene with all effort."""
        self._strangers = [(box, left - 1) for box, left in self._strangers if left > 1]
        for effort in self._efforts(new_scene):
            detections = self._backend.search(picture, effort)
            self._count_faces(picture, detections)
            sighting = self._choose(picture, detections)
            if sighting is not None:
                self._track, self._lost = self._begin(picture, sighting), None
                self._portrait = (picture, sighting.landmarks)
                return sighting
        return None

    def _count_faces(self, picture: Picture, detections: list[Detection]) -> None:
        if len(detections) > self.most_faces:
            sure = sum(self._is_face(picture, detection) for detection in detections)
            self.most_faces = max(self.most_faces, sure)

    def _efforts(self, new_scene: bool) -> range:
        """The searches for this picture, given how long the face has been missing."""
        missing, efforts = self._missing, self._backend.efforts
        if missing == 0:
            # which face is the left or the second one shows only when the small ones are seen too
            least = 1 if new_scene and self._choice != "largest" and efforts > 1 else 0
            return range(least, efforts if new_scene else min(2, efforts))
        if missing % FINEST_EVERY == FINER_EVERY:
            return range(efforts)
        if missing % FINER_EVERY == SEARCH_EVERY * 2:
            return range(min(2, efforts))
        return range(0 if missing > SEARCH_EVERY and missing % SEARCH_EVERY else 1)

    def _choose(self, picture: Picture, detections: list[Detection]) -> Sighting | None:
        if self._portrait is None:
            chosen = self._choose_new(picture, detections)
            if chosen is not None:
                self._remember_others(picture, detections, chosen)
            return chosen
        known = [box for box, _ in self._strangers]
        detections = [
            detection for detection in detections if all(boxes.overlap(detection.box, box) <= 0.5 for box in known)
        ]
        return self._find_again(picture, detections) if detections else None

    def _remember_others(self, picture: Picture, detections: list[Detection], chosen: Sighting) -> None:
        middle = chosen.landmarks.mean(axis=0)
        for detection in detections:
            beside = np.abs(boxes.center(detection.box) - middle).max() > boxes.side(detection.box) / 2
            if beside and len(self._others) < OTHERS and self._is_face(picture, detection):
                self._others.append((picture, self._backend.landmarks(picture, detection.box)))

    def _choose_new(self, picture: Picture, detections: list[Detection]) -> Sighting | None:
        """The face that the choice names, among those that are faces."""
        from_left = sorted(detections, key=lambda detection: boxes.center(detection.box)[0])
        if self._choice.isdecimal():
            sure = [detection for detection in from_left if self._is_face(picture, detection)]
            number = int(self._choice)
            return self._sight(picture, sure[number - 1]) if number <= len(sure) else None
        order = {
            "largest": sorted(detections, key=lambda detection: -boxes.area(detection.box)),
            "left": from_left,
            "right": from_left[::-1],
        }[self._choice]
        for detection in order:
            if self._is_face(picture, detection):
                return self._sight(picture, detection)
        return None

    def _find_again(self, picture: Picture, detections: list[Detection]) -> Sighting | None:
        """The person followed before; in a new scene somebody new will do, but nobody seen beside that person."""
        if self._lost is not None and self._missing <= self._recently:
            for detection in detections:
                if boxes.overlap(detection.box, self._lost.box) >= SAME_PLACE and self._is_face(picture, detection):
                    sighting = self._sight(picture, detection)
                    if likeness(face_template(picture, sighting.landmarks), self._lost.template) >= ALIKE_FOUND:
                        return sighting
        same_scene = self._lost is not None and not self._scene_changed(picture)
        person = self._backend.describe(*self._portrait)
        if person is None:
            return self._nearest(picture, detections) if same_scene else self._choose_new(picture, detections)
        faces = [detection for detection in detections if self._is_face(picture, detection)]
        sightings = [self._sight(picture, detection) for detection in faces]
        descriptors = [self._backend.describe(picture, sighting.landmarks) for sighting in sightings]
        distances = [float(np.linalg.norm(descriptor - person)) for descriptor in descriptors]
        if distances and min(distances) < SAME_PERSON:
            return sightings[int(np.argmin(distances))]
        others = [self._backend.describe(*other) for other in self._others]
        newcomers = (
            []
            if same_scene
            else [
                face
                for face, descriptor in zip(faces, descriptors, strict=True)
                if all(np.linalg.norm(descriptor - other) >= SAME_PERSON for other in others)
            ]
        )
        self._strangers += [(face.box, self._recently) for face in faces if face not in newcomers]
        return self._choose_new(picture, newcomers)

    def _nearest(self, picture: Picture, detections: list[Detection]) -> Sighting | None:
        """Without descriptors: a face near the place where it was lost, and of about its size."""
        lost = self._lost.box
        detection = max(detections, key=lambda detection: boxes.overlap(detection.box, lost))
        ratio = boxes.side(detection.box) / boxes.side(lost)
        distance = np.linalg.norm(boxes.center(detection.box) - boxes.center(lost)) / boxes.side(lost)
        near = distance < 1.5 and 0.5 < ratio < 2 and self._is_face(picture, detection)
        return self._sight(picture, detection) if near else None

    def _scene_changed(self, picture: Picture) -> bool:
        """Whether the picture differs from the one where the face was lost as after a cut (dissolves are no cuts)."""
        return self._scene is None or float(np.abs(picture.thumbnail - self._scene).mean()) > LEAST_JUMP

    def _is_face(self, picture: Picture, detection: Detection) -> bool:
        return detection.score >= self._backend.sure_score or self._backend.confirm(picture, detection.box)

    def _sight(self, picture: Picture, detection: Detection) -> Sighting:
        return Sighting(self._backend.landmarks(picture, detection.box), detection.score)

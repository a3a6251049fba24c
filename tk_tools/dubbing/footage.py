"""The pictures that are to speak, each with the place of its face, for as long as they are asked for.

From a video, a still picture or a NAME.face.h5 with its video; a face is looked for once in each picture, whatever
happens when the speech is longer. Memory holds a second of pictures, and a few numbers for each that was seen.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from tk_tools.errors import InputError
from tk_tools.face import boxes
from tk_tools.face.crop import CropOptions, find_face, follow_face, open_backend
from tk_tools.face.smooth import FaceFrame
from tk_tools.face.track import Tracker
from tk_tools.files.digest import file_digest
from tk_tools.files.face_file import FACE, FaceFile
from tk_tools.files.provenance import Source
from tk_tools.files.video import VideoReader, read_picture
from tk_tools.jobs.ahead import ahead
from tk_tools.nets.device import choose_device

BACKWARDS_BYTES = 128 << 20  # of pictures held while a video runs backwards
IN_FLIGHT_BYTES = 24 << 20  # of pictures that wait between two parts of the pipeline
_NOWHERE = float("nan")

Shot = TypeVar("Shot")


def pictures_ahead(width: int, height: int) -> int:
    """How many pictures may wait between two parts of the pipeline: fewer when they are large."""
    return max(2, min(16, IN_FLIGHT_BYTES // (3 * width * height)))


@dataclass(frozen=True)
class Framing(Generic[Shot]):
    """What a system means by the place of a face: `numbers` of them.

    found: a FaceFrame -> (numbers,); stored: a NAME.face.h5 -> (frames, numbers) float64, which may be interpolated;
    fitted: (numbers,), width and height of the picture -> what is kept of it, None where nothing is left of the face;
    shot: the picture (H, W, 3) uint8 and its place (numbers,), or None without a face -> what the system works on.
    takes_box: whether --box may say where the face is.
    """

    numbers: int
    found: Callable[[FaceFrame], np.ndarray]
    stored: Callable[[FaceFile], np.ndarray]
    fitted: Callable[[np.ndarray, int, int], np.ndarray | None]
    shot: Callable[[np.ndarray, np.ndarray | None], Shot]
    takes_box: bool = False


class Footage(Generic[Shot]):
    """Iterate over the shots, without end unless `on_short_video` is stop.

    face: video, still picture or NAME.face.h5; places: a NAME.face.h5 of the video, or `face` again, to look for it as
    `search` says. everywhere: width and height -> the one place in all pictures instead. still_fps: pictures per second
    of a still one.
    InputError: not readable, no face in any picture, or a NAME.face.h5 of another video.
    """

    def __init__(
        self,
        face: Path,
        places: Path,
        *,
        framing: Framing[Shot],
        search: CropOptions,
        on_short_video: str,
        still_fps: Fraction,
        everywhere: Callable[[int, int], np.ndarray] | None = None,
    ):
        face, places = Path(face), Path(places)
        if face.name.endswith(FACE.suffix):
            places = face
            face = source_of(face)
        self.path, self._framing, self._search = face, framing, search
        self._on_short_video = on_short_video
        self._reader = VideoReader(face, fps=None)
        info = self._reader.info
        self.still = info.is_still
        self.width, self.height = info.width, info.height
        self.fps = still_fps if self.still else self._reader.fps
        self._everywhere = None if everywhere is None else everywhere(self.width, self.height)
        self._places = None if places == face else read_places(places, face, self.fps, framing)
        self._tracker: Tracker | None = None
        self._seen = array("d")  # places of the pictures seen, one after another; NaN without a face
        self._count: int | None = None  # how many shots an iteration gives after a survey
        self._ended = False  # whether all pictures were seen

    @property
    def most_faces(self) -> int:
        """The most faces seen in one picture, as far as they were counted."""
        return self._tracker.most_faces if self._tracker else 0

    def has_face(self, count: int | None = None) -> np.ndarray:
        """Whether each of the video's pictures seen so far (the first `count` of them) has a face: (n,) bool."""
        return np.isfinite(np.array(self._seen).reshape(-1, self._framing.numbers)[:count]).all(axis=1)

    def survey(self, look: int, give: int) -> Iterator[Shot]:
        """The first `look` shots, or all there are; an iteration afterwards gives `give` (at most `look`, unless that
        is all), and does not look again. InputError, at the end: there was no face.
        """
        self._count = give
        yield from islice(self._once(), look)
        if not self.has_face().any():
            raise self.no_face()

    def __iter__(self) -> Iterator[Shot]:
        if self._count is not None:
            yield from islice(self._endless(first=self._again()), self._count)
        else:
            yield from self._endless(first=self._once())

    def _once(self) -> Iterator[Shot]:
        """Each picture for the first time."""
        if self.still:
            yield self._still()
            return
        for picture, place in self._first_pass():
            self._seen.extend([_NOWHERE] * self._framing.numbers if place is None else place)
            yield self._framing.shot(picture, place)
        self._ended = True
        if not self.has_face().any():
            raise self.no_face()

    def _endless(self, first: Iterator[Shot]) -> Iterator[Shot]:
        if self.still:
            shot = next(first)
            while True:
                yield shot
        yield from first
        while self._on_short_video != "stop":
            if self._on_short_video == "bounce":
                yield from self._backwards()
            yield from self._again()

    def _still(self) -> Shot:
        picture = read_picture(self.path)
        if self._seen:
            place = np.array(self._seen)
        elif self._everywhere is not None:
            place = self._everywhere
        elif self._places is not None:
            place = self._fitted(next(self._places))
        else:
            found = find_face(picture, self._search)
            place = None if found is None else self._fitted(self._framing.found(found))
        if place is None:
            raise InputError(f"no face in the picture{self._otherwise(still=True)}", path=self.path)
        self._seen = array("d", place)
        return self._framing.shot(picture, place)

    def _first_pass(self) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        with closing(ahead(self._reader, pictures_ahead(self.width, self.height))) as decoded:
            if self._everywhere is not None:
                yield from ((picture, self._everywhere) for picture in decoded)
            elif self._places is not None:
                for picture in decoded:
                    yield picture, self._fitted(next(self._places))
            else:
                fps = float(self.fps)
                self._tracker = Tracker(open_backend(self._search), self._search.face, fps)
                for frame in follow_face(decoded, self._search, fps=fps, tracker=self._tracker):
                    yield frame.rgb, self._fitted(self._framing.found(frame)) if frame.valid else None

    def _fitted(self, place: np.ndarray | None) -> np.ndarray | None:
        return None if place is None else self._framing.fitted(place, self.width, self.height)

    def _shots(self, pictures: Iterable[np.ndarray], first: int, step: int) -> Iterator[Shot]:
        """Pictures that were seen before, with the places of then: the first one's number, and the step to the next."""
        numbers = self._framing.numbers
        for count, picture in enumerate(pictures):
            begin = numbers * (first + count * step)
            place = np.array(self._seen[begin : begin + numbers])
            yield self._framing.shot(picture, place if np.isfinite(place).all() else None)

    def _again(self) -> Iterator[Shot]:
        if self.still:
            yield self._still()
            return
        reader = VideoReader(self.path, fps=None)
        with closing(ahead(reader, pictures_ahead(self.width, self.height))) as decoded:
            yield from self._shots(decoded, first=0, step=1)

    def _backwards(self) -> Iterator[Shot]:
        """From the last picture but one to the second: block after block."""
        length = max(1, BACKWARDS_BYTES // (3 * self.width * self.height))
        end = len(self._seen) // self._framing.numbers - 1
        while end > 1:
            begin = max(1, end - length)
            block = list(self._reader.between(begin, end))
            yield from self._shots(reversed(block), first=end - 1, step=-1)
            end = begin

    def no_face(self, count: int | None = None) -> InputError:
        """Why nothing can be made of it; count: how many pictures were asked for, None for those that were seen."""
        other = "face-alignment" if self._search.backend == "dlib" else "dlib"
        looked = len(self.has_face(count))
        every = self._ended and looked == len(self.has_face())
        where = "any of its pictures" if every else f"its first {looked} pictures, and no later ones are needed"
        return InputError(f"no face in {where}; --backend {other} may see it{self._otherwise()}", path=self.path)

    def _otherwise(self, still: bool = False) -> str:
        """What else a user may do, where the system takes a place for all pictures."""
        if not self._framing.takes_box:
            return ""
        return "; --box TOP BOTTOM LEFT RIGHT says where it is" if still else ", --box says where it is"


def search_of(options: Any, layout: str, width: int | None = None) -> CropOptions:
    """How the face is looked for: options.face, .backend, .weights_dir and .device of a system's inference."""
    return CropOptions(
        layout=layout,
        width=width,
        backend=options.backend,
        face=options.face,
        weights_dir=options.weights_dir,
        device=choose_device(options.device),
    )


def source_of(places: Path) -> Path:
    """The video of a NAME.face.h5, which must lie beside it. InputError: it does not, or it was changed."""
    with FaceFile(places) as file:
        source, video = file.source.first, file.video_beside
    if not video.is_file():
        raise InputError(
            f"its video {source.name} is not beside it; name the video and say --faces {places}", path=places
        )
    _check_source(source, video, places)
    return video


def _check_source(source: Source, video: Path, places: Path) -> None:
    if file_digest(video) != source.digest:
        raise InputError(f"was made of another {source.name} than {video}; run tk-crop-face again", path=places)


def read_places(path: Path, video: Path, fps: Fraction, framing: Framing) -> Iterator[np.ndarray | None]:
    """The place of the face in each picture of a video, from its NAME.face.h5, whatever rate that has; without end.

    InputError: it belongs to another video, or has no face.
    """
    with FaceFile(path) as file:
        _check_source(file.source.first, video, path)
        box, valid, rate = file.box, file.valid, file.fps
        places = framing.stored(file)
    if not valid.any():
        raise InputError("no frame of it shows the face", path=path)
    return _on_clock(places, box, valid, rate, fps)


def _on_clock(
    places: np.ndarray, box: np.ndarray, valid: np.ndarray, rate: Fraction, fps: Fraction
) -> Iterator[np.ndarray | None]:
    number = 0
    while True:
        place = min(number * rate / fps, Fraction(len(box) - 1))
        before, share = int(place), float(place - int(place))
        after = min(before + 1, len(box) - 1)
        nearest = after if share > 0.5 else before
        if valid[before] and valid[after] and boxes.overlap(box[before], box[after]) > 0:
            yield (1 - share) * places[before] + share * places[after]
        else:
            yield places[nearest] if valid[nearest] else None
        number += 1

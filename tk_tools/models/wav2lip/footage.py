"""The pictures that are to speak, each with the box of its face, for as long as they are asked for.

From a video, a still picture or a NAME.face.h5 with its video; a face is looked for once in each picture, whatever
happens when the speech is longer. Memory holds a second of pictures and 16 bytes for each that was seen.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np

from tk_tools.errors import InputError
from tk_tools.face import boxes
from tk_tools.face.crop import CropOptions, find_face, follow_face, open_backend
from tk_tools.face.track import Tracker
from tk_tools.files.digest import file_digest
from tk_tools.files.face_file import FACE, FaceFile
from tk_tools.files.video import VideoReader, read_picture
from tk_tools.jobs.ahead import ahead
from tk_tools.models.wav2lip.options import InferOptions
from tk_tools.models.wav2lip.speaker import Box, Shot, take_shot
from tk_tools.nets.device import choose_device

LEAST_SIDE = 8  # pixels: a smaller box is no face
BACKWARDS_BYTES = 128 << 20  # of pictures held while a video runs backwards
IN_FLIGHT_BYTES = 24 << 20  # of pictures that wait between two parts of the pipeline
NOWHERE = (0, 0, 0, 0)


def pictures_ahead(width: int, height: int) -> int:
    """How many pictures may wait between two parts of the pipeline: fewer when they are large."""
    return max(2, min(16, IN_FLIGHT_BYTES // (3 * width * height)))


class Footage:
    """Iterate over Shots, without end unless the options say that the video stops.

    face: video, still picture or NAME.face.h5; places: a NAME.face.h5 of the video, or `face` again, to look for it.
    by_area: see cut_face.
    InputError: not readable, no face in any picture, or a NAME.face.h5 of another video.
    """

    def __init__(self, face: Path, places: Path, options: InferOptions, by_area: bool):
        face, places = Path(face), Path(places)
        if face.name.endswith(FACE.suffix):
            places = face
            face = source_of(face)
        self.path, self._options, self._by_area = face, options, by_area
        self._reader = VideoReader(face, fps=None)
        info = self._reader.info
        self.still = info.is_still
        self.width, self.height = info.width, info.height
        self.fps = options.fps if self.still else self._reader.fps
        if options.box is not None and self._inside(options.box) is None:
            raise InputError(
                f"--box leaves less than {LEAST_SIDE} pixels of its {self.width}x{self.height} pictures", path=face
            )
        self._places = None if places == face else read_places(places, face, self.fps)
        self._tracker: Tracker | None = None
        self._boxes = array("i")  # of the pictures seen, four numbers each; NOWHERE without a face

    @property
    def most_faces(self) -> int:
        """The most faces seen in one picture, as far as they were counted."""
        return self._tracker.most_faces if self._tracker else 0

    def has_face(self, count: int | None = None) -> np.ndarray:
        """Whether each of the video's pictures seen so far (the first `count` of them) has a face: (n,) bool."""
        return np.array(self._boxes, np.int32).reshape(-1, 4)[:count].any(axis=1)

    def __iter__(self) -> Iterator[Shot]:
        if self.still:
            yield from self._still()
            return
        for picture, box in self._first_pass():
            self._boxes.extend(box or NOWHERE)
            yield take_shot(picture, box, self._by_area)
        if not self.has_face().any():
            raise self.no_face()
        while self._options.on_short_video != "stop":
            if self._options.on_short_video == "bounce":
                yield from self._backwards()
            yield from self._again()

    def _still(self) -> Iterator[Shot]:
        picture = read_picture(self.path)
        box = self._options.box and self._inside(self._options.box)
        if box is None and self._places is not None:
            found = next(self._places)
            box = None if found is None else self._padded(found)
        elif box is None:
            found = find_face(picture, search_options(self._options))
            box = found and self._padded(found.box)
        if box is None:
            raise InputError("no face in the picture; --box TOP BOTTOM LEFT RIGHT says where it is", path=self.path)
        self._boxes.extend(box)
        shot = take_shot(picture, box, self._by_area)
        while True:
            yield shot

    def _first_pass(self) -> Iterator[tuple[np.ndarray, Box | None]]:
        with closing(ahead(self._reader, pictures_ahead(self.width, self.height))) as decoded:
            if self._options.box is not None:
                box = self._inside(self._options.box)
                yield from ((picture, box) for picture in decoded)
            elif self._places is not None:
                for picture in decoded:
                    box = next(self._places)
                    yield picture, None if box is None else self._padded(box)
            else:
                search = search_options(self._options)
                self._tracker = Tracker(open_backend(search), search.face, float(self.fps))
                for frame in follow_face(decoded, search, fps=float(self.fps), tracker=self._tracker):
                    yield frame.rgb, self._padded(frame.box) if frame.valid else None

    def _padded(self, box: np.ndarray) -> Box | None:
        """A face box with the pads, in whole pixels inside the picture; None when nothing is left of it."""
        top, bottom, left, right = self._options.pads
        padded = np.rint(box + np.array([-left, -top, right, bottom])).astype(int)
        return self._inside(tuple(padded.tolist()))

    def _inside(self, box: Box) -> Box | None:
        left, top, right, bottom = box
        box = max(0, left), max(0, top), min(self.width, right), min(self.height, bottom)
        return box if min(box[2] - box[0], box[3] - box[1]) >= LEAST_SIDE else None

    def _shots(self, pictures: Iterable[np.ndarray], first: int, step: int) -> Iterator[Shot]:
        """Pictures that were seen before, with the boxes of then: the first one's number, and the step to the next."""
        for count, picture in enumerate(pictures):
            place = 4 * (first + count * step)
            box = tuple(self._boxes[place : place + 4])
            yield take_shot(picture, None if box == NOWHERE else box, self._by_area)

    def _again(self) -> Iterator[Shot]:
        reader = VideoReader(self.path, fps=None)
        with closing(ahead(reader, pictures_ahead(self.width, self.height))) as decoded:
            yield from self._shots(decoded, first=0, step=1)

    def _backwards(self) -> Iterator[Shot]:
        """From the last picture but one to the second: block after block."""
        length = max(1, BACKWARDS_BYTES // (3 * self.width * self.height))
        end = len(self._boxes) // 4 - 1
        while end > 1:
            begin = max(1, end - length)
            block = list(self._reader.between(begin, end))
            yield from self._shots(reversed(block), first=end - 1, step=-1)
            end = begin

    def no_face(self) -> InputError:
        """Why nothing can be made of it."""
        other = "face-alignment" if self._options.backend == "dlib" else "dlib"
        return InputError(
            f"no face in any of its pictures; --backend {other} may see it, --box says where it is", path=self.path
        )


def search_options(options: InferOptions) -> CropOptions:
    """How the face is looked for."""
    return CropOptions(
        backend=options.backend,
        face=options.face,
        weights_dir=options.weights_dir,
        device=choose_device(options.device),
    )


def source_of(places: Path) -> Path:
    """The video of a NAME.face.h5, which must lie beside it. InputError: it does not, or it was changed."""
    with FaceFile(places) as file:
        source = file.source
    video = places.with_name(source.name)
    if not video.is_file():
        raise InputError(
            f"its video {source.name} is not beside it; name the video and say --faces {places}", path=places
        )
    _check_source(source, video, places)
    return video


def _check_source(source, video: Path, places: Path) -> None:
    if file_digest(video) != source.digest:
        raise InputError(f"was made of another {source.name} than {video}; run tk-crop-face again", path=places)


def read_places(path: Path, video: Path, fps: Fraction) -> Iterator[np.ndarray | None]:
    """The face box (4,) of each picture of a video, from its NAME.face.h5, whatever rate that has; without end.

    InputError: it belongs to another video, or has no face.
    """
    with FaceFile(path) as file:
        _check_source(file.source, video, path)
        box, valid, rate = file.box, file.valid, file.fps
    if not valid.any():
        raise InputError("no frame of it shows the face", path=path)
    return _on_clock(box, valid, rate, fps)


def _on_clock(box: np.ndarray, valid: np.ndarray, rate: Fraction, fps: Fraction) -> Iterator[np.ndarray | None]:
    number = 0
    while True:
        place = min(number * rate / fps, Fraction(len(box) - 1))
        before, share = int(place), float(place - int(place))
        after = min(before + 1, len(box) - 1)
        nearest = after if share > 0.5 else before
        if valid[before] and valid[after] and boxes.overlap(box[before], box[after]) > 0:
            yield (1 - share) * box[before] + share * box[after]
        else:
            yield box[nearest] if valid[nearest] else None
        number += 1

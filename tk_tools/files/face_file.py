"""NAME.face.h5: coded crops of one face, where they lie in the source, which frames can be used, and the sound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from tk_tools.files.coded import DEFAULT_CODEC, DEFAULT_QUALITY, VIDEO_DATASETS, CodedFrames, CodedWriter
from tk_tools.files.h5 import Dataset, Kind, create_h5, open_h5, read_params, read_rows, read_source
from tk_tools.files.provenance import Provenance
from tk_tools.files.sound import AUDIO_DATASETS, Audio, read_stored_audio, write_audio
from tk_tools.files.soundtrack import clip_samples, read_clip_audio

FACES_ATTRIBUTES = ("layout", "backend", "source_width", "source_height")
FACE = Kind(
    name="face",
    suffix=".face.h5",
    schema=1,
    made_by="tk-crop-face",
    meaning="crops of one face through a clip, with the transform of each back into the source, and the sound",
    datasets=VIDEO_DATASETS
    | {
        "faces/box": Dataset(
            dtype="float32",
            shape=("frames", 4),
            meaning="left, top, right, bottom in pixels of the source, smoothed",
            attributes=("unit", *FACES_ATTRIBUTES),
        ),
        "faces/landmarks": Dataset(
            dtype="float32",
            shape=("frames", 68, 2),
            meaning="68 landmarks (iBUG order), x and y in pixels of the source; NaN where none were found",
            attributes=("unit",),
        ),
        "faces/score": Dataset(
            dtype="float32",
            shape=("frames",),
            meaning="the detector's score; NaN where the face was not detected",
            attributes=("unit",),
        ),
        "faces/transform": Dataset(
            dtype="float64",
            shape=("frames", 2, 3),
            meaning="affine map from pixels of the source to pixels of the crop",
            attributes=("unit",),
        ),
        "faces/valid": Dataset(
            dtype="bool",
            shape=("frames",),
            meaning="whether the crop shows the face; training and pasting skip the others",
            attributes=("unit",),
        ),
    }
    | AUDIO_DATASETS,
)
_UNITS = {
    "box": "source pixels",
    "landmarks": "source pixels",
    "score": "as the backend gives it",
    "transform": "source pixels to crop pixels",
    "valid": "true or false",
}
_EMPTY = {
    "box": np.empty((0, 4), np.float32),
    "landmarks": np.empty((0, 68, 2), np.float32),
    "score": np.empty(0, np.float32),
    "transform": np.empty((0, 2, 3), np.float64),
    "valid": np.empty(0, bool),
}


def _column(name: str, file: FaceFile) -> np.ndarray:
    return read_rows(file._file["faces"][name])


class FaceFile:
    """Read a NAME.face.h5.

    `frames`: CodedFrames of the crops; `fps`; `box` (N, 4), `landmarks` (N, 68, 2), `score` (N,), `valid` (N,),
    `transform` (N, 2, 3); `audio` (Audio or None); `layout`, `backend`, `source_size` (width, height), `params`,
    `source`.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        self._file = open_h5(path, FACE)
        self.frames = CodedFrames(self._file)
        self.fps: Fraction = self.frames.fps
        faces = self._file["faces"]
        attributes = faces["box"].attrs
        self.layout, self.backend = str(attributes["layout"]), str(attributes["backend"])
        self.source_size = (int(attributes["source_width"]), int(attributes["source_height"]))
        self.params, self.source = read_params(self._file), read_source(self._file)

    # read when first asked for: a training window needs none of them, and a long clip's are megabytes
    box = cached_property(partial(_column, "box"))
    landmarks = cached_property(partial(_column, "landmarks"))
    score = cached_property(partial(_column, "score"))
    transform = cached_property(partial(_column, "transform"))
    valid = cached_property(partial(_column, "valid"))

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def video_beside(self) -> Path:
        """Where the video that it was made of would lie, in the same folder."""
        return self.path.with_name(self.source.first.name)

    @property
    def has_sound(self) -> bool:
        return "audio/samples" in self._file

    @property
    def audio(self) -> Audio | None:
        """The sound, read anew each time: (samples,) int16 and its rate in Hz; None without one."""
        return read_stored_audio(self._file)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> FaceFile:
        return self

    def __exit__(self, *error) -> None:
        self.close()


class Rows:
    """A growing array, kept in blocks: small pieces would lie between the pictures and keep their memory from reuse."""

    _BLOCK = 1024  # rows

    def __init__(self, empty: np.ndarray):
        self._empty, self._blocks, self._count = empty, [], 0

    def append(self, row: np.ndarray | float | bool) -> None:
        place = self._count % self._BLOCK
        if place == 0:
            self._blocks.append(np.empty((self._BLOCK, *self._empty.shape[1:]), self._empty.dtype))
        self._blocks[-1][place] = row
        self._count += 1

    def array(self) -> np.ndarray:
        """All rows, copied into one array."""
        return np.concatenate([self._empty, *self._blocks])[: self._count]


class FaceWriter:
    """Add frames one by one; memory holds the numbers of each frame (1 kB) and never the pictures."""

    def __init__(self, coded: CodedWriter):
        self._coded = coded
        self.columns = {name: Rows(_EMPTY[name]) for name in _UNITS}

    def append(
        self,
        crop: np.ndarray,
        *,
        box: np.ndarray,
        landmarks: np.ndarray | None,
        score: float,
        transform: np.ndarray,
        valid: bool,
    ) -> None:
        """Add one frame: `crop` (H, W, 3) uint8 RGB, `box` (4,), `landmarks` (68, 2) or None, `transform` (2, 3)."""
        self._coded.append(crop)
        row = {
            "box": box,
            "landmarks": np.nan if landmarks is None else landmarks,
            "score": score,
            "transform": transform,
            "valid": valid,
        }
        for name, value in row.items():
            self.columns[name].append(value)

    def __len__(self) -> int:
        return len(self._coded)


@contextmanager
def create_face_file(
    target: Path,
    *,
    fps: Fraction,
    layout: str,
    backend: str,
    source_size: tuple[int, int],
    made: Provenance,
    sound: Path | None = None,
    audio: Audio | None = None,
    sample_rate: int = 16000,
    codec: str = DEFAULT_CODEC,
    quality: int = DEFAULT_QUALITY,
) -> Iterator[FaceWriter]:
    """Create a NAME.face.h5 whole or not at all; append the frames inside the block.

    The sound comes from the media file `sound` (laid beside the pictures, at `sample_rate` Hz) or is given as `audio`.
    """
    with create_h5(target, FACE, made) as file:
        coded = CodedWriter(file, fps=fps, codec=codec, quality=quality)
        writer = FaceWriter(coded)
        yield writer
        coded.close()
        for name, rows in writer.columns.items():
            dataset = file.create_dataset(f"faces/{name}", data=rows.array(), fletcher32=True)
            dataset.attrs["unit"] = _UNITS[name]
        attributes = file["faces/box"].attrs
        attributes["layout"], attributes["backend"] = layout, backend
        attributes["source_width"], attributes["source_height"] = source_size
        if audio is not None:
            write_audio(file, [audio.samples], audio.sample_rate)
        elif sound is not None:
            samples = clip_samples(len(writer), fps, sample_rate)
            write_audio(file, read_clip_audio(sound, rate=sample_rate, samples=samples), sample_rate)

"""Pictures in HDF5: coded one by one into a single byte stream with an offset table, so a window of frames is one read.

A group /video holds `data` (bytes) and `offsets` (frames + 1); its attributes are codec, quality, height, width and the
frame rate as a fraction. RGB, height x width x 3, uint8.
"""

from __future__ import annotations

from fractions import Fraction

import h5py
import numpy as np

from tk_tools.errors import InputError
from tk_tools.files.h5 import Dataset, read_rows

CODECS = ("jpeg", "png", "raw")
DEFAULT_CODEC = "jpeg"
DEFAULT_QUALITY = 95
VIDEO_ATTRIBUTES = ("codec", "quality", "height", "width", "fps_numerator", "fps_denominator", "colour")
VIDEO_DATASETS = {
    "video/data": Dataset(
        dtype="uint8",
        shape=("bytes",),
        meaning="the coded pictures, one after another",
        attributes=VIDEO_ATTRIBUTES,
    ),
    "video/offsets": Dataset(
        dtype="int64",
        shape=("frames + 1",),
        meaning="picture i is data[offsets[i]:offsets[i + 1]]",
        attributes=("unit",),
    ),
}
_CHUNK = 1 << 17  # bytes: a window of frames reads few of them, and a short clip does not fill one
_BUFFER = 4 << 20  # bytes kept back before they are written


class CodedWriter:
    """Append pictures of one size to a new group `video` of an open file; call `close` when all are in."""

    def __init__(
        self,
        file: h5py.File,
        *,
        fps: Fraction,
        codec: str = DEFAULT_CODEC,
        quality: int = DEFAULT_QUALITY,
    ):
        self._data = file.create_dataset(
            "video/data", shape=(0,), maxshape=(None,), dtype="uint8", chunks=(_CHUNK,), fletcher32=True
        )
        self._file = file
        self._fps = Fraction(fps)
        self._codec, self._quality = codec, quality
        self._offsets = [0]
        # one block for good: thousands of small ones would lie between the pictures and keep their memory from reuse
        self._pending = np.empty(_BUFFER, np.uint8)
        self._pending_size = 0
        self._size: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def append(self, picture: np.ndarray) -> None:
        """Add one picture: (height, width, 3) uint8 RGB, of the size of the first."""
        size = picture.shape[:2]
        if self._size is None:
            self._size = size
        if size != self._size:
            raise ValueError(f"picture of {size}, expected {self._size}")
        code = encode(picture, codec=self._codec, quality=self._quality)
        code = np.frombuffer(code, np.uint8)
        self._offsets.append(self._offsets[-1] + len(code))
        if self._pending_size + len(code) > len(self._pending):
            self._flush()
        if len(code) > len(self._pending):
            self._write(code)
            return
        self._pending[self._pending_size : self._pending_size + len(code)] = code
        self._pending_size += len(code)

    def _flush(self) -> None:
        self._write(self._pending[: self._pending_size])
        self._pending_size = 0

    def _write(self, data: np.ndarray) -> None:
        start = self._data.shape[0]
        self._data.resize((start + len(data),))
        self._data[start:] = data

    def close(self) -> None:
        """Write what is left, the offsets and the attributes."""
        if self._pending_size:
            self._flush()
        height, width = self._size or (0, 0)
        attributes = {
            "codec": self._codec,
            "quality": self._quality,
            "height": height,
            "width": width,
            "fps_numerator": self._fps.numerator,
            "fps_denominator": self._fps.denominator,
            "colour": "RGB",
        }
        for name, value in attributes.items():
            self._data.attrs[name] = value
        offsets = self._file.create_dataset("video/offsets", data=np.asarray(self._offsets, np.int64), fletcher32=True)
        offsets.attrs["unit"] = "bytes"


class CodedFrames:
    """The pictures of an open file's group /video: `read(start, stop)` decodes a window, `len` is their number."""

    def __init__(self, file: h5py.File):
        self._data = file["video/data"]
        self.offsets: np.ndarray = read_rows(file["video/offsets"])
        attributes = self._data.attrs
        self.codec = str(attributes["codec"])
        self.height, self.width = int(attributes["height"]), int(attributes["width"])
        self.fps = Fraction(int(attributes["fps_numerator"]), int(attributes["fps_denominator"]))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def read_coded(self, start: int, stop: int) -> list[np.ndarray]:
        """The coded bytes of pictures start to stop - 1, (bytes,) uint8 each, in one read."""
        if not 0 <= start <= stop <= len(self):
            raise IndexError(f"frames {start} to {stop} of {len(self)}")
        offsets = self.offsets[start : stop + 1]
        data = read_rows(self._data, offsets[0], offsets[-1])
        return np.split(data, offsets[1:-1] - offsets[0]) if stop > start else []

    def read(self, start: int, stop: int) -> np.ndarray:
        """Pictures start to stop - 1: (stop - start, height, width, 3) uint8 RGB. InputError: a picture is damaged."""
        codes = self.read_coded(start, stop)
        pictures = np.empty((len(codes), self.height, self.width, 3), np.uint8)
        for index, code in enumerate(codes):
            try:
                pictures[index] = decode(code, codec=self.codec, height=self.height, width=self.width)
            except ValueError as error:
                raise InputError(f"picture {start + index} is damaged", path=self._data.file.filename) from error
        return pictures

    def __iter__(self):
        for index in range(len(self)):
            yield self.read(index, index + 1)[0]


def encode(picture: np.ndarray, *, codec: str, quality: int) -> bytes:
    """One RGB picture as JPEG (quality 1 to 100), PNG or raw bytes."""
    import cv2

    if codec == "raw":
        return picture.tobytes()
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if codec == "jpeg" else [cv2.IMWRITE_PNG_COMPRESSION, 3]
    done, code = cv2.imencode({"jpeg": ".jpg", "png": ".png"}[codec], cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ValueError(f"picture of {picture.shape} could not be coded as {codec}")
    return code.tobytes()


def decode(code: np.ndarray, *, codec: str, height: int, width: int) -> np.ndarray:
    """The (height, width, 3) uint8 RGB picture in coded bytes (n,) uint8. ValueError: they are damaged."""
    import cv2

    if codec == "raw":
        return code.reshape(height, width, 3)
    picture = cv2.imdecode(code, cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError("cannot be decoded")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)

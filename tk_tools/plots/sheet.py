"""A contact sheet: pictures of a clip, evenly spaced from the first to the last, each with its time and number.

Pictures of a face file in which no face was found stand in a red frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from tk_tools.errors import InputError
from tk_tools.files.coded import CodedFrames
from tk_tools.files.face_file import FaceFile
from tk_tools.files.frames_file import FramesFile
from tk_tools.files.video import VideoReader
from tk_tools.plots import PlotOptions

_GAP, _BAR = 6, 20  # pixels: between tiles, and below each for its text
_PAPER, _INK, _RED = (255, 255, 255), (40, 40, 40), (200, 30, 30)
_SPARE = 8  # thumbnails kept per picture wanted, while the length of a video is not known


def draw(path: Path, options: PlotOptions) -> np.ndarray:
    """The picture, (H, W, 3) uint8 RGB, of a video, NAME.frames.h5 or NAME.face.h5. InputError: no pictures."""
    with _open(path) as (frames, fps, valid):
        if isinstance(frames, CodedFrames):
            chosen = _spread(len(frames), options.pictures)
            tiles = [(index, _thumbnail(frames.read(index, index + 1)[0], options.tile)) for index in chosen]
        else:
            tiles = _thin(frames, options)
    if not tiles:
        raise InputError("holds no picture", path=path)
    return _lay_out(tiles, fps=fps, valid=valid, columns=options.columns)


@contextmanager
def _open(path: Path) -> Iterator[tuple[CodedFrames | VideoReader, Fraction, np.ndarray | None]]:
    name = path.name.lower()
    if name.endswith(".face.h5"):
        with FaceFile(path) as file:
            yield file.frames, file.fps, file.valid
    elif name.endswith(".h5"):
        with FramesFile(path) as file:
            yield file.frames, file.frames.fps, None
    else:
        reader = VideoReader(path)
        yield reader, reader.fps, None


def _spread(count: int, wanted: int) -> list[int]:
    return sorted({round(index) for index in np.linspace(0, count - 1, num=min(count, wanted))})


def _thin(frames: Iterable[np.ndarray], options: PlotOptions) -> list[tuple[int, np.ndarray]]:
    """Evenly spaced thumbnails of a stream whose length shows only at its end; the last picture is among them."""
    kept: list[tuple[int, np.ndarray]] = []
    stride, count, last = 1, 0, None
    for picture in frames:
        if count % stride == 0:
            kept.append((count, _thumbnail(picture, options.tile)))
            if len(kept) > _SPARE * options.pictures:
                stride *= 2
                kept = kept[::2]
        last, count = picture, count + 1
    if last is not None and kept[-1][0] != count - 1:
        kept.append((count - 1, _thumbnail(last, options.tile)))
    return [kept[index] for index in _nearest(kept, count, options.pictures)]


def _nearest(kept: list[tuple[int, np.ndarray]], count: int, wanted: int) -> list[int]:
    numbers = np.array([number for number, _ in kept])
    return sorted({int(np.abs(numbers - number).argmin()) for number in _spread(count, wanted)})


def _thumbnail(picture: np.ndarray, width: int) -> np.ndarray:
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    return cv2.resize(picture, dsize=(width, height), interpolation=cv2.INTER_AREA)


def _lay_out(tiles: list[tuple[int, np.ndarray]], *, fps: Fraction, valid, columns: int) -> np.ndarray:
    height, width = (max(tile.shape[axis] for _, tile in tiles) for axis in (0, 1))
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * (height + _BAR + _GAP) + _GAP, columns * (width + _GAP) + _GAP, 3), _PAPER, np.uint8)
    for place, (number, tile) in enumerate(tiles):
        row, column = divmod(place, columns)
        y, x = _GAP + row * (height + _BAR + _GAP), _GAP + column * (width + _GAP)
        sheet[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
        found = valid is None or bool(valid[number])
        if not found:
            cv2.rectangle(sheet, (x, y), (x + tile.shape[1] - 1, y + tile.shape[0] - 1), color=_RED, thickness=3)
        seconds = float(number / fps)
        text = f"{int(seconds // 60)}:{seconds % 60:05.2f}  #{number}{'' if found else '  no face'}"
        cv2.putText(
            sheet, text, (x + 2, y + height + _BAR - 6), cv2.FONT_HERSHEY_SIMPLEX, fontScale=0.42,
            color=_INK if found else _RED, thickness=1, lineType=cv2.LINE_AA,
        )  # fmt: skip
    return sheet

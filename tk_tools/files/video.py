"""Pictures out of any video, on one unbroken clock.

What the container says of start times, variable frame rates and rotation is honoured: picture k is the one nearest to
k / fps seconds after the first picture, upright. The sound beside them is read by soundtrack.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np

from tk_tools.errors import InputError
from tk_tools.files.media import first_frame, open_media, packet_end, probe, quarter_turns
from tk_tools.files.rates import DEFAULT_FPS
from tk_tools.files.whole import check_stream

_HIGH_DEFINITION_HEIGHT = 720  # from here on untagged video is BT.709 by convention, below BT.601
_UNSPECIFIED_COLORSPACE = 2  # AVCOL_SPC_UNSPECIFIED
_BEFORE = 3  # pictures that are decoded before the first that is wanted
_EARLIEST = Fraction(1, 20)  # seconds: in a hole the picture before stays until this long before the next one


class _BehindTheMark(Exception):
    """A file was opened in its middle, but behind the picture that is wanted, or at none that stands by itself."""


class VideoReader:
    """The pictures of a video, one by one, on a constant clock that starts with the first picture.

    `fps`: pictures per second; None keeps the rate of the source. Iterating gives (H, W, 3) uint8 RGB, upright. One
    picture is held in memory at a time. After the iteration `count` is the number of pictures given, `stored` that of
    the pictures in the file (another one where its rate varies), and `damaged` the number of packets that could not be
    decoded (the pictures beside them stand in their place).
    InputError: no pictures, or the file ends before the pictures that it announces.
    """

    def __init__(self, path: Path, fps: Fraction | None = DEFAULT_FPS):
        self.path = Path(path)
        self.info = probe(path)
        if not self.info.has_video:
            raise InputError("has no video stream", path=path)
        self.fps = Fraction(fps) if fps is not None else self.info.fps
        self.count = self.stored = self.damaged = 0
        self._first_time: Fraction | None = None
        self._seek_to: Fraction | None = None

    def __iter__(self) -> Iterator[np.ndarray]:
        self.count = self.stored = self.damaged = 0
        yield from self._pictures()

    def between(self, begin: int, end: int) -> Iterator[np.ndarray]:
        """Pictures `begin` to `end` - 1, as an iteration gives them, decoded from a key frame before them on.

        Of a reader that was iterated over before; not up to the last picture.
        """
        part = VideoReader(self.path, self.fps)
        if self._first_time is not None and begin > _BEFORE:
            part._first_time = self._first_time
            part._seek_to = self._first_time + (begin - _BEFORE) / self.fps
            try:
                yield from islice(part._pictures(begin), end - begin)
                return
            except _BehindTheMark:
                part = VideoReader(self.path, self.fps)
        yield from islice(part, begin, end)

    def _pictures(self, begin: int = 0) -> Iterator[np.ndarray]:
        """The pictures from number `begin` on, `count` of them so far."""
        held: av.VideoFrame | None = None
        held_time = Fraction(0)
        picture: np.ndarray | None = None  # of the frame held, made when it is first needed
        for time, frame in self._decoded():
            if held is None and begin:
                self.count = math.ceil(time * self.fps)
                if self.count > begin:
                    raise _BehindTheMark
            if held is not None:
                change = time - min((time - held_time) / 2, _EARLIEST)  # half way between two pictures
                while self.count <= change * self.fps:
                    self.count += 1
                    if self.count > begin:
                        picture = _upright(held) if picture is None else picture
                        yield picture
            held, held_time, picture = frame, time, None
        if held is None:
            raise InputError("holds no picture that can be decoded", path=self.path)
        picture = _upright(held) if picture is None else picture
        for _ in range(self.count, max(1, round(self._end * self.fps))):
            self.count += 1
            yield picture

    def _decoded(self) -> Iterator[tuple[Fraction, av.VideoFrame]]:
        """Each decoded picture with its time in seconds after the first one; sets `_end`, the end of the last, and
        `_first_time`, the time stamp of the first one. From a key frame before `_seek_to` on, if that is set."""
        seeking = self._seek_to is not None
        first = self._first_time if seeking else None
        key_time = Fraction(0)  # pictures before it lean on what was not decoded
        last = Fraction(-1)
        period = 1 / self.info.fps
        self._end = Fraction(0)
        packets, packets_end = 0, Fraction(0)
        with open_media(self.path) as container:
            video = container.streams.video[0]
            video.thread_type = "AUTO"
            if seeking:
                container.seek(int(self._seek_to / video.time_base), stream=video, backward=True)
            for packet in self._packets(container, video):
                if seeking and packets == 0:
                    if not packet.is_keyframe or packet.pts is None:
                        raise _BehindTheMark
                    key_time = packet.pts * Fraction(packet.time_base)
                if packet.size > 0:
                    packets, packets_end = packets + 1, max(packets_end, packet_end(packet))
                try:
                    frames = packet.decode()
                except av.error.FFmpegError:
                    self.damaged += 1
                    if first is not None:
                        self._end = max(self._end, packets_end - first)
                    continue
                for frame in frames:
                    self.stored += 1
                    time = last + period if frame.pts is None else frame.pts * Fraction(frame.time_base)
                    if seeking and time < key_time:
                        continue
                    if first is None:
                        first = time
                        self._first_time = None if frame.pts is None else time
                    last = time
                    length = frame.duration * Fraction(frame.time_base) if frame.duration else period
                    self._end = max(self._end, time - first + length)
                    yield time - first, frame
            check_stream(container, video, packets=packets, end=packets_end, path=self.path)

    def _packets(self, container, video) -> Iterator[av.Packet]:
        demuxed = container.demux(video)
        while True:
            try:
                packet = next(demuxed, None)
            except av.error.FFmpegError:
                self.damaged += 1
                return
            if packet is None:
                return
            yield packet


def read_frames(path: Path, fps: Fraction | None = DEFAULT_FPS) -> Iterator[np.ndarray]:
    """The pictures of a video as (H, W, 3) uint8 RGB on a constant clock; see VideoReader."""
    return iter(VideoReader(path, fps=fps))


def read_picture(path: Path) -> np.ndarray:
    """A still picture (or the first one of a video) as (H, W, 3) uint8 RGB, upright."""
    with open_media(path) as container:
        if not container.streams.video:
            raise InputError("has no picture", path=path)
        return _upright(first_frame(container, container.streams.video[0], Path(path)))


def _upright(frame: av.VideoFrame) -> np.ndarray:
    untagged = frame.colorspace == _UNSPECIFIED_COLORSPACE and not frame.format.is_rgb
    assumed = "ITU709" if untagged and frame.height >= _HIGH_DEFINITION_HEIGHT else None
    picture = frame.to_ndarray(format="rgb24", src_colorspace=assumed)
    turns = quarter_turns(frame)
    return np.ascontiguousarray(np.rot90(picture, k=turns))

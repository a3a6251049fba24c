"""Pictures and sound out of any video or sound file, on one unbroken clock (PyAV).

The only reader of media in the box. What the container says of start times, variable frame rates and rotation is
honoured: picture k is the one nearest to k / fps seconds after the first picture, upright, and the sound is laid
beside it to the sample, with silence where it starts later and cut where it starts earlier.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tk_tools.errors import InputError
from tk_tools.files.resample import resampled
from tk_tools.files.whole import check_length, check_stream

# No log level is set: by default the library says nothing, and any level makes its decoder threads wait for the
# interpreter's lock to report a fault, while the thread that holds it may be waiting for them.

DEFAULT_FPS = Fraction(25)
STILL_CODECS = {"png", "mjpeg", "bmp", "webp", "tiff", "gif", "targa", "ppm"}
STILL_CONTAINERS = ("image2", "_pipe")
_HIGH_DEFINITION_HEIGHT = 720  # from here on untagged video is BT.709 by convention, below BT.601
_UNSPECIFIED_COLORSPACE = 2  # AVCOL_SPC_UNSPECIFIED
_EARLIEST = Fraction(1, 20)  # seconds: in a hole the picture before stays until this long before the next one
_GAP = 0.02  # seconds: shorter holes in the sound are rounding of time stamps, longer ones are silence


@dataclass(frozen=True)
class VideoInfo:
    """Facts of a media file. Sizes are upright pixels, times seconds; `frame_count` is the container's claim or 0."""

    width: int
    height: int
    fps: Fraction
    rotation: int
    duration: float
    frame_count: int
    video_codec: str | None
    start: float
    is_still: bool
    audio_codec: str | None
    audio_rate: int
    audio_channels: int
    audio_start: float

    @property
    def has_video(self) -> bool:
        return self.video_codec is not None

    @property
    def has_audio(self) -> bool:
        return self.audio_codec is not None


def open_media(path: Path) -> av.container.InputContainer:
    """Open a media file for reading. InputError: missing, empty, cut short, or nothing that can be decoded."""
    path = Path(path)
    try:
        if path.is_dir():
            raise InputError("is a folder, not a media file", path=path)
        if path.stat().st_size == 0:
            raise InputError("is empty (0 bytes)", path=path)
        check_length(path)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from error
    try:
        return av.open(_address(path), metadata_errors="replace", options={"protocol_whitelist": "file"})
    except (av.error.FFmpegError, ValueError) as error:
        raise InputError("is not a media file, or it is damaged or cut short", path=path) from error


def _address(path: Path) -> str | object:
    """`file:` keeps colons and leading dashes from being read as a protocol or an option."""
    try:
        name = str(path)
        name.encode("utf-8")
    except UnicodeEncodeError:  # a name that is not UTF-8 cannot cross into the library: hand it the open file
        return open(path, "rb")
    return f"file:{name}"


def probe(path: Path) -> VideoInfo:
    """The facts of a media file, without decoding more than its first picture."""
    with open_media(path) as container:
        video = container.streams.video[0] if container.streams.video else None
        audio = container.streams.audio[0] if container.streams.audio else None
        if video is not None and video.disposition & av.stream.Disposition.attached_pic:
            video = None  # a cover picture of a sound file
        if any(stream is not None and stream.codec_context is None for stream in (video, audio)):
            raise InputError("is coded in a way that is not known, or is cut short", path=path)
        rotation, width, height = 0, 0, 0
        if video is not None:
            first = _first_frame(container, video, path)
            rotation = _quarter_turns(first) * 90
            width, height = (first.height, first.width) if rotation % 180 else (first.width, first.height)
        duration = container.duration / av.time_base if container.duration else 0.0
        return VideoInfo(
            width=width,
            height=height,
            fps=_rate(video) if video is not None else Fraction(0),
            rotation=rotation,
            duration=duration,
            frame_count=video.frames if video is not None else 0,
            video_codec=video.codec_context.name if video is not None else None,
            start=_seconds(video) if video is not None else 0.0,
            is_still=video is not None and _is_still(container, video),
            audio_codec=audio.codec_context.name if audio is not None else None,
            audio_rate=audio.codec_context.sample_rate if audio is not None else 0,
            audio_channels=audio.codec_context.channels if audio is not None else 0,
            audio_start=_seconds(audio) if audio is not None else 0.0,
        )


def _seconds(stream) -> float:
    return float(stream.start_time * stream.time_base) if stream.start_time is not None else 0.0


def _rate(video) -> Fraction:
    rate = video.average_rate or video.guessed_rate or video.base_rate or DEFAULT_FPS
    return Fraction(rate) if 0 < rate <= 1000 else DEFAULT_FPS


def _is_still(container, video) -> bool:
    still_container = any(mark in container.format.name for mark in STILL_CONTAINERS)
    return still_container or (video.codec_context.name in STILL_CODECS - {"mjpeg", "gif"} and video.frames <= 1)


def _first_frame(container, video, path: Path):
    try:
        for frame in container.decode(video):
            return frame
    except av.error.FFmpegError as error:
        raise InputError("the pictures cannot be decoded; the file is damaged or cut short", path=path) from error
    raise InputError("holds no picture; the file is damaged or cut short", path=path)


def _quarter_turns(frame) -> int:
    """Counter-clockwise quarter turns that bring the picture upright."""
    return round(frame.rotation / 90) % 4


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

    def __iter__(self) -> Iterator[np.ndarray]:
        self.count = self.stored = self.damaged = 0
        held: av.VideoFrame | None = None
        held_time = Fraction(0)
        picture: np.ndarray | None = None  # of the frame held, made when it is first needed
        for time, frame in self._decoded():
            if held is not None:
                change = time - min((time - held_time) / 2, _EARLIEST)  # half way between two pictures
                while self.count <= change * self.fps:
                    picture = _upright(held) if picture is None else picture
                    self.count += 1
                    yield picture
            held, held_time, picture = frame, time, None
        if held is None:
            raise InputError("holds no picture that can be decoded", path=self.path)
        picture = _upright(held) if picture is None else picture
        for _ in range(self.count, max(1, round(self._end * self.fps))):
            self.count += 1
            yield picture

    def _decoded(self) -> Iterator[tuple[Fraction, av.VideoFrame]]:
        """Each decoded picture with its time in seconds after the first one; sets `_end`, the end of the last."""
        first: Fraction | None = None
        last = Fraction(-1)
        period = 1 / self.info.fps
        self._end = Fraction(0)
        packets, packets_end = 0, Fraction(0)
        with open_media(self.path) as container:
            video = container.streams.video[0]
            video.thread_type = "AUTO"
            for packet in self._packets(container, video):
                if packet.size > 0:
                    packets, packets_end = packets + 1, max(packets_end, _packet_end(packet))
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
                    first = time if first is None else first
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


def _packet_end(packet: av.Packet) -> Fraction:
    time = packet.pts if packet.pts is not None else packet.dts or 0
    return (time + (packet.duration or 0)) * Fraction(packet.time_base)


def _upright(frame: av.VideoFrame) -> np.ndarray:
    untagged = frame.colorspace == _UNSPECIFIED_COLORSPACE and not frame.format.is_rgb
    assumed = "ITU709" if untagged and frame.height >= _HIGH_DEFINITION_HEIGHT else None
    picture = frame.to_ndarray(format="rgb24", src_colorspace=assumed)
    turns = _quarter_turns(frame)
    return np.ascontiguousarray(np.rot90(picture, k=turns))


def read_frames(path: Path, fps: Fraction | None = DEFAULT_FPS) -> Iterator[np.ndarray]:
    """The pictures of a video as (H, W, 3) uint8 RGB on a constant clock; see VideoReader."""
    return iter(VideoReader(path, fps=fps))


def read_picture(path: Path) -> np.ndarray:
    """A still picture (or the first one of a video) as (H, W, 3) uint8 RGB, upright."""
    with open_media(path) as container:
        if not container.streams.video:
            raise InputError("has no picture", path=path)
        return _upright(_first_frame(container, container.streams.video[0], Path(path)))


def read_audio_blocks(path: Path, rate: int | None = None, align: bool = False) -> Iterator[np.ndarray]:
    """The sound of a file as float32 mono blocks in [-1, 1].

    `rate`: samples per second, None for the source's own. `align`: time zero is the file's first picture (silence is
    put before sound that starts later, sound before the picture is cut); without it, the first sample.
    Holes between time stamps become silence. InputError: no sound, not decodable, or samples that are no numbers.
    """
    path = Path(path)
    start = picture_start(path) if align else None
    with open_media(path) as container:
        stream = _sound_stream(container, path)
        source_rate = stream.codec_context.sample_rate
        blocks = _laid_out(_mono_frames(container, stream, path), source_rate, start, _sound_end(container, stream))
        if rate is None or rate == source_rate:
            yield from blocks
            return
        yield from resampled(blocks, rate_in=source_rate, rate_out=rate)


def audio_rate(path: Path) -> int:
    """Samples per second of a file's sound. InputError: no sound."""
    with open_media(path) as container:
        return _sound_stream(container, path).codec_context.sample_rate


def _sound_stream(container, path: Path):
    if not container.streams.audio:
        raise InputError("has no sound", path=path)
    stream = container.streams.audio[0]
    if stream.codec_context is None or not stream.codec_context.sample_rate:
        raise InputError("holds sound that cannot be decoded, or is cut short", path=path)
    return stream


def read_audio(path: Path, rate: int | None = None, align: bool = False) -> np.ndarray:
    """The whole sound of a file as float32 mono in [-1, 1], shape (samples,); see read_audio_blocks."""
    blocks = list(read_audio_blocks(path, rate=rate, align=align))
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def read_clip_audio(path: Path, rate: int, samples: int) -> Iterator[np.ndarray]:
    """The sound that belongs to a clip's pictures, as int16 blocks: `samples` samples from its first picture on.

    Silence follows where the sound ends before the pictures.
    """
    left = samples
    for block in read_audio_blocks(path, rate=rate, align=True):
        if left <= 0:
            return
        block = to_int16(block[:left])
        left -= len(block)
        yield block
    while left > 0:
        silence = np.zeros(min(left, rate), np.int16)
        left -= len(silence)
        yield silence


def clip_samples(frames: int, fps: Fraction, rate: int) -> int:
    """Samples that last as long as `frames` pictures, to within one."""
    return math.floor(frames * rate / Fraction(fps) + Fraction(1, 2))


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Float samples in [-1, 1] as 16-bit PCM; what lies beyond is clipped."""
    return np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)


def picture_start(path: Path) -> Fraction | None:
    """Time stamp of the first picture in seconds, or None in a file without pictures."""
    with open_media(path) as container:
        if not container.streams.video:
            return None
        frame = _first_frame(container, container.streams.video[0], path)
        return None if frame.pts is None else frame.pts * Fraction(frame.time_base)


def picture_seconds(path: Path) -> Fraction:
    """How long the pictures of a video last, by its time stamps, without decoding them."""
    first = end = None
    with open_media(path) as container:
        video = container.streams.video[0]
        period = 1 / _rate(video)
        for packet in container.demux(video):
            if packet.pts is not None:
                time, base = packet.pts * packet.time_base, packet.time_base
                first = time if first is None else min(first, time)
                length = packet.duration * base if packet.duration else period
                end = time + length if end is None else max(end, time + length)
    return Fraction(0) if first is None else Fraction(end - first)


def _mono_frames(container, stream, path: Path) -> Iterator[tuple[Fraction | None, np.ndarray]]:
    """(time stamp in seconds or None, float32 samples) of each decoded block of sound, mixed to one channel.

    A packet that cannot be decoded gives no block. InputError: none can, a sample is no number, or some are missing.
    """
    floats = av.AudioResampler(format="fltp")
    packets, packets_end, position = 0, Fraction(0), 0
    for packet in container.demux(stream):
        if packet.size > 0:
            packets, packets_end = packets + 1, max(packets_end, _packet_end(packet))
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            continue
        for frame in frames:
            pts = None if frame.pts is None else frame.pts * Fraction(frame.time_base)
            weights = _mono_weights(frame.layout)
            for part in floats.resample(frame):
                samples = weights @ part.to_ndarray()
                if not np.isfinite(samples).all():
                    bad = position + int(np.flatnonzero(~np.isfinite(samples))[0])
                    raise InputError(f"sample {bad} is not a number; repair the sound first", path=path)
                position += len(samples)
                yield pts, samples
    if packets and not position:
        raise InputError("the sound cannot be decoded; the file is damaged or cut short", path=path)
    if not position:
        raise InputError("holds no sound (0 samples)", path=path)
    check_stream(container, stream, packets=packets, end=packets_end, path=path)


def _mono_weights(layout) -> np.ndarray:
    """How much of each channel goes into the one (ITU-R BS.775: the surround channels at half, no bass effects)."""
    known = {"FC": 1.0, "FL": 0.7071, "FR": 0.7071, "LFE": 0.0}
    weights = np.array([known.get(channel.name, 0.5) for channel in layout.channels], np.float32)
    return weights / weights.sum()


def _sound_end(container, stream) -> Fraction | None:
    """Where the sound ends in seconds, if the container knows it to the sample: the last AAC block is padded."""
    if "mp4" not in container.format.name or stream.duration is None:
        return None
    return (stream.duration + (stream.start_time or 0)) * Fraction(stream.time_base)


def _laid_out(frames, rate: int, start: Fraction | None, end: Fraction | None) -> Iterator[np.ndarray]:
    """Blocks laid on one clock that begins at `start` seconds (None: with the first block) and stops at `end`."""
    written = 0
    origin = start
    for pts, samples in frames:
        if origin is None:
            origin = pts if pts is not None else Fraction(0)
        place = written if pts is None else round((pts - origin) * rate)
        hole = place - written
        if hole > _GAP * rate or (written == 0 and hole > 0):
            for begin in range(0, hole, rate):
                yield np.zeros(min(rate, hole - begin), np.float32)
            written = place
        elif hole < 0 and (written == 0 or -hole > _GAP * rate):
            samples = samples[-hole:]
        if end is not None:
            samples = samples[: max(0, round((end - origin) * rate) - written)]
        if len(samples):
            written += len(samples)
            yield samples

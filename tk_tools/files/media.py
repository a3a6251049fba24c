"""What a media file is, and how every one is opened (PyAV): the streams, their rates and starts.

video.py reads the pictures, soundtrack.py the sound; nothing else in the box opens media.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av

from tk_tools.errors import InputError
from tk_tools.files.rates import DEFAULT_FPS
from tk_tools.files.whole import check_length

# No log level is set: by default the library says nothing, and any level makes its decoder threads wait for the
# interpreter's lock to report a fault, while the thread that holds it may be waiting for them.

STILL_CODECS = {"png", "mjpeg", "bmp", "webp", "tiff", "gif", "targa", "ppm"}
# Demuxers that read their own file and no other one; image2, which takes what is called .jpg, without its patterns.
_BY_THEMSELVES = {
    "protocol_whitelist": "file",
    "format_whitelist": "3g2,3gp,aac,ac3,aiff,amr,asf,avi,bmp_pipe,caf,eac3,flac,flv,gif,image2,jpeg_pipe,m4a,matroska,"
    "mj2,mov,mp3,mp4,mpeg,mpegts,mpegvideo,mxf,ogg,png_pipe,ppm_pipe,tiff_pipe,tta,w64,wav,webm,webp_pipe",
    "pattern_type": "none",
}
STILL_CONTAINERS = ("image2", "_pipe")


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


def check_by_itself(path: Path, most_pixels: int) -> None:
    """Look at a file of a stranger before anything else opens it.

    InputError: not readable; no pictures or sound of the usual kinds but, say, a playlist, which would have other
    files of this machine opened; or pictures of more than `most_pixels`.
    """
    try:
        container = av.open(_address(path), options=_BY_THEMSELVES)
    except (av.error.FFmpegError, ValueError) as error:
        raise InputError("is not a media file, or it is damaged or cut short", path=path) from error
    with container:
        for video in container.streams.video:
            if video.codec_context is not None and video.codec_context.width * video.codec_context.height > most_pixels:
                size = f"{video.codec_context.width} x {video.codec_context.height}"
                raise InputError(
                    f"has pictures of {size}; {most_pixels / 1e6:.1f} million pixels is the most", path=path
                )


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
            first = first_frame(container, video, path)
            rotation = quarter_turns(first) * 90
            width, height = (first.height, first.width) if rotation % 180 else (first.width, first.height)
        duration = container.duration / av.time_base if container.duration else 0.0
        return VideoInfo(
            width=width,
            height=height,
            fps=frame_rate(video) if video is not None else Fraction(0),
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


def frame_rate(video) -> Fraction:
    """Pictures per second of a video stream as its container tells them, DEFAULT_FPS where that makes no sense."""
    rate = video.average_rate or video.guessed_rate or video.base_rate or DEFAULT_FPS
    return Fraction(rate) if 0 < rate <= 1000 else DEFAULT_FPS


def _is_still(container, video) -> bool:
    still_container = any(mark in container.format.name for mark in STILL_CONTAINERS)
    return still_container or (video.codec_context.name in STILL_CODECS - {"mjpeg", "gif"} and video.frames <= 1)


def first_frame(container, video, path: Path) -> av.VideoFrame:
    """The first picture of a stream, decoded. InputError: there is none."""
    try:
        for frame in container.decode(video):
            return frame
    except av.error.FFmpegError as error:
        raise InputError("the pictures cannot be decoded; the file is damaged or cut short", path=path) from error
    raise InputError("holds no picture; the file is damaged or cut short", path=path)


def quarter_turns(frame) -> int:
    """Counter-clockwise quarter turns that bring the picture upright."""
    return round(frame.rotation / 90) % 4


def packet_end(packet: av.Packet) -> Fraction:
    """Time stamp in seconds at which a packet's content ends."""
    time = packet.pts if packet.pts is not None else packet.dts or 0
    return (time + (packet.duration or 0)) * Fraction(packet.time_base)


def stream_seconds(path: Path, kind: Literal["audio", "video"], most: float = math.inf) -> Fraction:
    """How long the sound or the pictures of a file last by the time stamps of its packets, without decoding them; what
    an edit list leaves out does not count, and counting ends beyond `most`."""
    start, end = None, Fraction(0)
    with open_media(path) as container:
        stream = getattr(container.streams, kind)[0]
        period = 1 / frame_rate(stream) if kind == "video" else Fraction(0)
        for packet in container.demux(stream):
            stamp = packet.pts if packet.pts is not None else packet.dts
            length = packet.duration * packet.time_base if packet.duration else period
            if stamp is None:
                end += length if packet.size else 0
            elif not packet.is_discard:
                time = stamp * packet.time_base
                later = time + length
                start, end = (time, later) if start is None else (min(start, time), max(end, later))
            if end - (start or 0) > most:
                break
    return Fraction(end - (start or 0))


def picture_start(path: Path) -> Fraction | None:
    """Time stamp of the first picture in seconds, or None in a file without pictures."""
    with open_media(path) as container:
        if not container.streams.video:
            return None
        frame = first_frame(container, container.streams.video[0], path)
        return None if frame.pts is None else frame.pts * Fraction(frame.time_base)

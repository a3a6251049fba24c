"""Sound out of any video or sound file, mixed to one channel and laid beside the pictures to the sample.

Silence stands where it starts later than the pictures, and what comes before them is cut. sound.py keeps it in HDF5,
wav.py in NAME.wav.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tk_tools.errors import InputError
from tk_tools.files.media import open_media, packet_end, picture_start
from tk_tools.files.resample import resampled
from tk_tools.files.whole import check_stream

_GAP = 0.02  # seconds: shorter holes in the sound are rounding of time stamps, longer ones are silence


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


def clip_samples(frames: int, fps: Fraction, rate: int) -> int:
    """Samples that last as long as `frames` pictures, to within one."""
    return math.floor(frames * rate / Fraction(fps) + Fraction(1, 2))


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Float samples (n,) in [-1, 1] as 16-bit PCM, (n,) int16; what lies beyond is clipped."""
    return np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)


def _mono_frames(container, stream, path: Path) -> Iterator[tuple[Fraction | None, np.ndarray]]:
    """(time stamp in seconds or None, float32 samples) of each decoded block of sound, mixed to one channel.

    A packet that cannot be decoded gives no block. InputError: none can, a sample is no number, or some are missing.
    """
    floats = av.AudioResampler(format="fltp")
    packets, packets_end, position = 0, Fraction(0), 0
    for packet in container.demux(stream):
        if packet.size > 0:
            packets, packets_end = packets + 1, max(packets_end, packet_end(packet))
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

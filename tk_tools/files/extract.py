"""The work of tk-extract-frames and tk-extract-audio: pictures and sound out of one media file."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from tk_tools.files.coded import DEFAULT_CODEC, DEFAULT_QUALITY
from tk_tools.files.frames_file import write_frames_file
from tk_tools.files.provenance import describe
from tk_tools.files.rates import DEFAULT_FPS
from tk_tools.files.soundtrack import audio_rate, read_audio_blocks
from tk_tools.files.video import VideoReader
from tk_tools.files.wav import write_wav


@dataclass(frozen=True)
class FramesOptions:
    """`fps`: pictures per second; `codec`: jpeg, png or raw; `quality`: of JPEG; `sample_rate`: of the sound in Hz."""

    fps: Fraction = DEFAULT_FPS
    codec: str = DEFAULT_CODEC
    quality: int = DEFAULT_QUALITY
    sample_rate: int = 16000


@dataclass(frozen=True)
class AudioOptions:
    """`sample_rate` in Hz, None for the source's own; `align`: the sound begins with the first picture."""

    sample_rate: int | None = 16000
    align: bool = True


def extract_frames(source: Path, target: Path, options: FramesOptions) -> dict[str, Any]:
    """All pictures of `source` with its sound into a NAME.frames.h5. Clock and InputError: see VideoReader."""
    made = describe(options, source)
    reader = VideoReader(source, fps=options.fps)
    count = write_frames_file(
        target,
        reader,
        fps=reader.fps,
        codec=options.codec,
        quality=options.quality,
        sound=source if reader.info.has_audio else None,
        sample_rate=options.sample_rate,
        made=made,
    )
    facts = {"frames": count, "fps": float(reader.fps), "seconds": round(float(count / reader.fps), 3)}
    facts |= {"width": reader.info.width, "height": reader.info.height, "sound": reader.info.has_audio}
    if reader.damaged:
        facts["warning"] = f"{reader.damaged} damaged packets; the pictures beside them stand in their place"
    return facts


def extract_audio(source: Path, target: Path, options: AudioOptions) -> dict[str, Any]:
    """The sound of `source` as a mono 16-bit wav. InputError: no sound, or not decodable."""
    made = describe(options, source)
    rate = options.sample_rate or audio_rate(source)
    blocks = read_audio_blocks(source, rate=rate, align=options.align)
    samples = write_wav(target, blocks, rate, comment=made.comment())
    return {"samples": samples, "sample_rate": rate, "seconds": round(samples / rate, 3)}

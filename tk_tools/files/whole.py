"""Whether a media file is all there: what its container announces, held against what came.

Decoders end silently where a file was cut off; a clip that lost its end would go on as a shorter one.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from tk_tools.errors import InputError

_MARGIN = Fraction(1, 2)  # seconds: containers that count no packets round their length and drop empty pictures
_ROUNDING = Fraction(1, 100)  # seconds: an edit list counts in milliseconds
_ENDLESS = 0x7FFF0000  # bytes: from here on the size in a wav's header is that of a stream whose end was not known
_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"uuid", b"moof", b"mfra", b"sidx", b"styp", b"meta"}


def check_length(path: Path) -> None:
    """Hold the sizes that an mp4's boxes or a wav's header announce against that of the file. InputError: cut short."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(12)
        if head[:4] == b"RIFF" and head[8:] == b"WAVE":
            announced = int.from_bytes(head[4:8], "little") + 8
            announced = announced if announced < _ENDLESS else 0
        else:
            announced = _boxes_end(file, size)
    if announced > size + 1:  # a byte of padding is often left out
        raise InputError(f"is cut short: {size} of {announced} bytes are there", path=path)


def _boxes_end(file, size: int) -> int:
    """Where the last top-level box of an mp4 or mov ends; 0 in any other file."""
    end = 0
    while end < size:
        file.seek(end)
        head = file.read(16)
        if head[4:8] not in _BOXES:
            break
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length < 8:  # 0: to the end of the file
            break
        end += length
    return end


def check_stream(container, stream, *, packets: int, end: Fraction, path: Path) -> None:
    """Hold the length that a PyAV stream announces against the `packets` that came, the last up to the time `end`.

    InputError: cut short.
    """
    by_packet = "mp4" in container.format.name
    if by_packet and stream.codec_context.name.startswith("pcm_"):  # there each sample is counted as a packet
        announced = Fraction(stream.duration or 0) * stream.time_base
    elif by_packet:
        last = Fraction((stream.start_time or 0) + (stream.duration or 0)) * stream.time_base
        if packets < stream.frames and end < last - _ROUNDING:  # an edit list leaves out some of the first
            what = "pictures" if stream.type == "video" else "packets of sound"
            raise InputError(f"is cut short: {packets} of {stream.frames} {what} are there", path=path)
        return
    elif tag := stream.metadata.get("DURATION"):  # Matroska, HH:MM:SS.FRACTION
        hours, minutes, seconds = tag.split(":")
        announced = int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    elif stream.type == "video" and stream.frames and stream.average_rate:
        announced = stream.frames / stream.average_rate
    else:
        announced = Fraction(0)
    if announced - end > _MARGIN:
        raise InputError(f"is cut short: {float(end):.1f} of {float(announced):.1f} seconds are there", path=path)

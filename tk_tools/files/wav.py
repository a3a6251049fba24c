"""NAME.wav: PCM 16-bit sound, mono unless asked."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tk_tools.errors import OutputError
from tk_tools.files import progress
from tk_tools.files.atomic import atomic_path
from tk_tools.files.soundtrack import to_int16
from tk_tools.files.whole import check_length

_UNKNOWN = 2**32 - 1  # in the place of a size: to the end of the stream
_LONGEST = 2**31 - 2**20  # bytes of samples: the sizes in the header have 32 bits, and some readers take them as signed


def write_wav(
    path: Path, blocks: Iterable[np.ndarray], rate: int, *, channels: int = 1, comment: str | None = None
) -> int:
    """Write blocks of sound, whole or not at all, and return the number of samples.

    Blocks are (n,) or (n, channels), int16 or float32 in [-1, 1]; `rate` in Hz; `comment` goes into the file's tags.
    OutputError: no room, or more than a wav can hold (2 GiB).
    """
    count = 0
    with atomic_path(Path(path), check=check_length) as temporary, open(temporary, "xb") as file:
        file.write(_header(0, rate=rate, channels=channels, comment=comment))
        for block in blocks:
            file.write(_coded(block))
            count += len(block)
            progress.tell(count / rate)
            if 2 * channels * count > _LONGEST:
                raise OutputError("is longer than a wav can hold (2 GiB)", path=path)
        file.seek(0)
        file.write(_header(count, rate=rate, channels=channels, comment=comment))
    return count


def stream_wav(file: BinaryIO, blocks: Iterable[np.ndarray], rate: int, *, comment: str | None = None) -> int:
    """Write mono blocks (as write_wav's) to a stream, each as soon as it is there; the number of samples.

    The header, which comes with the first block, says that the length is not known.
    """
    count = 0
    for block in blocks:
        head = b"" if count else _header(None, rate=rate, channels=1, comment=comment)
        file.write(head + _coded(block))
        file.flush()
        count += len(block)
    return count


def _coded(block: np.ndarray) -> bytes:
    return (block if block.dtype == np.int16 else to_int16(block)).astype("<i2").tobytes()


def _header(samples: int | None, *, rate: int, channels: int, comment: str | None) -> bytes:
    """All that comes before the samples; None: it is not known how many."""
    frame = 2 * channels  # bytes
    chunks = _chunk(b"fmt ", struct.pack("<HHIIHH", 1, channels, rate, rate * frame, frame, 16))
    if comment:
        chunks += _chunk(b"LIST", b"INFO" + _chunk(b"ICMT", comment.encode() + b"\0"))
    size = _UNKNOWN if samples is None else samples * frame
    data = struct.pack("<4sI", b"data", size)
    whole = min(_UNKNOWN, 4 + len(chunks) + len(data) + size)
    return struct.pack("<4sI4s", b"RIFF", whole, b"WAVE") + chunks + data


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content + b"\0" * (len(content) % 2)

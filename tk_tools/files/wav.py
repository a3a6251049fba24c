"""NAME.wav: PCM 16-bit sound, mono unless asked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tk_tools.errors import OutputError
from tk_tools.files.atomic import atomic_path
from tk_tools.files.video import to_int16


def write_wav(
    path: Path, blocks: Iterable[np.ndarray], rate: int, *, channels: int = 1, comment: str | None = None
) -> int:
    """Write blocks of sound, whole or not at all, and return the number of samples.

    Blocks are (n,) or (n, channels), int16 or float32 in [-1, 1]; `rate` in Hz; `comment` goes into the file's tags.
    """
    import soundfile

    def check(temporary: Path) -> None:
        written = soundfile.info(temporary).frames
        if written != count:
            raise OutputError(f"was not written whole: {written} of {count} samples", path=path)

    count = 0
    with (
        atomic_path(Path(path), check=check) as temporary,
        soundfile.SoundFile(
            temporary, mode="w", samplerate=rate, channels=channels, subtype="PCM_16", format="WAV"
        ) as file,
    ):
        if comment:
            file.comment = comment
        for block in blocks:
            file.write(block if block.dtype == np.int16 else to_int16(block))
            count += len(block)
    return count

"""The work of `tk-infer hifigan`: NAME.mel.h5 -> NAME.wav in blocks, so that memory does not grow with its length."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tk_tools.audio.mel_presets import DIFFVC
from tk_tools.audio.vocoder import SAMPLE_RATE, Vocoder, open_vocoder
from tk_tools.errors import InputError
from tk_tools.files.digest import stamp
from tk_tools.files.provenance import describe
from tk_tools.files.stored_mel import StoredMel, open_mel
from tk_tools.files.wav import write_wav
from tk_tools.models.hifigan.options import InferOptions
from tk_tools.nets.device import choose_device

_BLOCK = 1024  # frames read at a time, 12 s


def infer(mel: Path, *rest: Any) -> dict[str, Any]:
    """Write `target` (.wav, 22.05 kHz, 256 samples a frame): the sound of a NAME.mel.h5 of the preset diffvc.

    rest: the generator's file (none for Griffin-Lim), target, options. Facts: frames, seconds, vocoder. InputError: no
    such mel, damaged, or without a frame; WeightsError: see load_generator; OutputError: no room.
    """
    *weights, target, options = rest
    made = describe(options, mel, *weights)
    vocoder = _vocoder(*map(stamp, weights), device=choose_device(options.device))
    with open_mel(mel, DIFFVC.name, DIFFVC.n_mels) as file:
        frames = len(file)
        if not frames:
            raise InputError("holds no frame", path=mel)
        comment = made.comment(synthetic=True) if options.mark else made.comment()
        samples = write_wav(target, vocoder.blocks(_read(file)), rate=SAMPLE_RATE, comment=comment)
    return {"frames": frames, "seconds": round(samples / SAMPLE_RATE, 3), "vocoder": vocoder.name}


def check_shared(weights: Path | None, options: InferOptions) -> None:
    """Open what all mels have in common, so that its fault is told once. WeightsError; ConfigError: no such device."""
    _vocoder(*([] if weights is None else [stamp(weights)]), device=choose_device(options.device))


def _read(file: StoredMel) -> Iterator[np.ndarray]:
    for start in range(0, len(file), _BLOCK):
        yield file.read(start, start + _BLOCK)


@lru_cache(maxsize=1)
def _vocoder(*stamped: tuple[Path, int], device: str) -> Vocoder:
    """The vocoder of one generator's file or of none; that of the file before serves the next one."""
    return open_vocoder(stamped[0][0] if stamped else None, device)

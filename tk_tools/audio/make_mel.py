"""The work of tk-mel: the sound of one file -> NAME.mel.h5, in blocks, so that memory does not grow with its length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from tk_tools.audio.faults import Faults
from tk_tools.audio.mel import mel_blocks, preset_named
from tk_tools.audio.mel_presets import MelPreset
from tk_tools.errors import InputError
from tk_tools.files.mel_file import write_mel_file
from tk_tools.files.provenance import describe
from tk_tools.files.soundtrack import read_audio_blocks


@dataclass(frozen=True)
class MelOptions:
    """`preset`: the name of a front end in audio.mel_presets."""

    preset: str


def make_mel(source: Path, target: Path, options: MelOptions) -> dict[str, Any]:
    """The mel spectrogram of a sound or video file; "warning" among the facts: it is clipped, or at a low rate.

    InputError: no sound, too short for one column, or not numbers.
    """
    preset = preset_named(options.preset)
    made = describe(options, source)
    faults = Faults(source, preset.fmax)
    blocks = file_mel_blocks(source, preset, faults)
    first = next(blocks)  # what is wrong with the sound is told before a file is begun
    frames = write_mel_file(
        target,
        chain([first], blocks),
        preset=preset.name,
        sample_rate=preset.sample_rate,
        hop_length=preset.hop_length,
        unit=preset.summary,
        made=made,
    )
    seconds = round(float(frames / preset.columns_per_second), 3)
    return {"frames": frames, "bands": preset.n_mels, "seconds": seconds} | faults.in_words()


def file_mel_blocks(source: Path, preset: MelPreset, faults: Faults | None = None) -> Iterator[np.ndarray]:
    """The mel spectrogram of a sound or video file in blocks (columns, bands), one at least; errors of make_mel.

    faults: listens to the sound."""
    sound = read_audio_blocks(source, rate=preset.sample_rate, align=True)
    blocks = mel_blocks(faults.listen(sound) if faults else sound, preset)
    first = next(blocks, None)
    if first is None:
        raise InputError(f"is too short for one column of the preset {preset.name}", path=source)
    yield first
    yield from blocks

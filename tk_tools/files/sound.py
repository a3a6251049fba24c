"""The sound in HDF5: /audio/samples, int16 mono with its sample rate, beside the pictures to within one sample."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import h5py
import numpy as np

from tk_tools.files.h5 import Dataset, read_rows

AUDIO_DATASETS = {
    "audio/samples": Dataset(
        dtype="int16",
        shape=("samples",),
        meaning="mono sound; starts and ends with the pictures; absent when the source has no sound",
        attributes=("sample_rate", "unit"),
        optional=True,
    )
}
_CHUNK = 1 << 16  # samples


@dataclass(frozen=True)
class Audio:
    """Mono sound: `samples` (n,) int16, `sample_rate` in Hz."""

    samples: np.ndarray
    sample_rate: int


def write_audio(file: h5py.File, blocks: Iterable[np.ndarray], sample_rate: int) -> None:
    """Write blocks (n,) int16 of any size, one after another, as /audio/samples; sample_rate in Hz."""
    dataset = file.create_dataset(
        "audio/samples", shape=(0,), maxshape=(None,), dtype="int16", chunks=(_CHUNK,), fletcher32=True
    )
    dataset.attrs["sample_rate"] = sample_rate
    dataset.attrs["unit"] = "PCM 16-bit"
    for block in blocks:
        end = dataset.shape[0] + len(block)
        dataset.resize((end,))
        dataset[end - len(block) : end] = block


def read_stored_audio(file: h5py.File) -> Audio | None:
    """The sound of an open file, or None when it has none."""
    if "audio/samples" not in file:
        return None
    dataset = file["audio/samples"]
    return Audio(samples=read_rows(dataset), sample_rate=int(dataset.attrs["sample_rate"]))

"""NAME.mel.h5: a mel spectrogram, frames x bands, with the preset that made it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tk_tools.files.h5 import Dataset, Kind, create_h5, open_h5, read_rows
from tk_tools.files.provenance import Provenance

MEL = Kind(
    name="mel",
    suffix=".mel.h5",
    schema=1,
    made_by="tk-mel",
    meaning="a mel spectrogram as the named system's front end makes it",
    datasets={
        "mel": Dataset(
            dtype="float32",
            shape=("frames", "bands"),
            meaning="one row per hop, one column per mel band; scale and range as the preset's",
            attributes=("preset", "sample_rate", "hop_length", "unit"),
        )
    },
)


@dataclass(frozen=True)
class Mel:
    """A mel spectrogram: `values` (frames, bands) float32; `sample_rate` in Hz, `hop_length` in samples."""

    values: np.ndarray
    preset: str
    sample_rate: int
    hop_length: int


def write_mel_file(
    target: Path,
    blocks: Iterable[np.ndarray],
    *,
    preset: str,
    sample_rate: int,
    hop_length: int,
    unit: str,
    made: Provenance,
) -> int:
    """Write blocks (frames, bands) one after another, and return the number of frames."""
    with create_h5(target, MEL, made) as file:
        dataset = None
        for block in blocks:
            if dataset is None:
                dataset = file.create_dataset(
                    "mel", shape=(0, block.shape[1]), maxshape=(None, block.shape[1]), dtype="float32",
                    chunks=(256, block.shape[1]), fletcher32=True,
                )  # fmt: skip
            start = dataset.shape[0]
            dataset.resize(start + len(block), axis=0)
            dataset[start:] = block
        attributes = {"preset": preset, "sample_rate": sample_rate, "hop_length": hop_length, "unit": unit}
        for name, value in attributes.items():
            dataset.attrs[name] = value
        return dataset.shape[0]


def read_mel_file(path: Path) -> Mel:
    """The mel spectrogram in a NAME.mel.h5. InputError: not such a file, or damaged."""
    with open_h5(path, MEL) as file:
        dataset = file["mel"]
        attributes = dataset.attrs
        return Mel(
            values=read_rows(dataset),
            preset=str(attributes["preset"]),
            sample_rate=int(attributes["sample_rate"]),
            hop_length=int(attributes["hop_length"]),
        )

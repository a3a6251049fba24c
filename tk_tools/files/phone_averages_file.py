"""NAME.phones.h5: the average of each phone over a set of recordings, to align further recordings with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from tk_tools.files.h5 import Dataset, Kind, create_h5, open_h5, read_rows
from tk_tools.files.mel_file import MEL
from tk_tools.files.provenance import Provenance

PHONE_AVERAGES = Kind(
    name="phones",
    suffix=".phones.h5",
    schema=1,
    made_by="tk-align",
    meaning="what each phone sounds like on average over a set of recordings, as one frame of a mel spectrogram",
    datasets={
        "phones/symbol": Dataset(
            dtype="object",
            shape=("phones",),
            meaning="in alphabetical order; empty: silence, in a set whose TextGrids leave it without a label",
        ),
        "phones/average": Dataset(
            dtype="float32",
            shape=("phones", "bands"),
            meaning="per band, the most frequent of the intervals' medians",
            attributes=MEL.datasets["mel"].attributes,
        ),
        "phones/intervals": Dataset(
            dtype="int64", shape=("phones",), meaning="how many intervals it rests on", attributes=("unit",)
        ),
        "phones/duration": Dataset(
            dtype="int64", shape=("phones",), meaning="how long these are in all", attributes=("unit",)
        ),
    },
)


@dataclass(frozen=True)
class PhoneAverages:
    """symbols; average (phones, bands) float32; intervals (phones,) and duration (phones,) int64, in frames.

    preset: the mel front end that all of it was made with."""

    symbols: tuple[str, ...]
    average: np.ndarray
    intervals: np.ndarray
    duration: np.ndarray
    preset: str


def write_phone_averages(
    target: Path, averages: PhoneAverages, *, sample_rate: int, hop_length: int, unit: str, made: Provenance
) -> None:
    """Write them whole or not at all; sample_rate (Hz), hop_length (samples) and unit as in a NAME.mel.h5."""
    with create_h5(target, PHONE_AVERAGES, made) as file:
        count = len(averages.symbols)
        file.create_dataset("phones/symbol", data=list(averages.symbols), shape=(count,), dtype=h5py.string_dtype())
        average = file.create_dataset("phones/average", data=averages.average, dtype="float32", fletcher32=True)
        for name, value in (("sample_rate", sample_rate), ("hop_length", hop_length), ("unit", unit)):
            average.attrs[name] = value
        average.attrs["preset"] = averages.preset
        for name, values, what in (
            ("intervals", averages.intervals, "intervals"),
            ("duration", averages.duration, "frames"),
        ):
            dataset = file.create_dataset(f"phones/{name}", data=values, dtype="int64", fletcher32=True)
            dataset.attrs["unit"] = what


def read_phone_averages(path: Path) -> PhoneAverages:
    """The averages in a NAME.phones.h5. InputError: not such a file, or damaged."""
    with open_h5(path, PHONE_AVERAGES) as file:
        group = file["phones"]
        return PhoneAverages(
            symbols=tuple(group["symbol"].asstr()[:]),
            average=read_rows(group["average"]),
            intervals=read_rows(group["intervals"]),
            duration=read_rows(group["duration"]),
            preset=str(group["average"].attrs["preset"]),
        )

"""NAME.feat.h5: what a speech recogniser hears in a clip, one row for each video frame at 25/s."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from tk_tools.errors import InputError
from tk_tools.files.h5 import Dataset, Kind, create_h5, open_h5, read_rows
from tk_tools.files.provenance import Provenance
from tk_tools.files.rates import FRAME_RATE

FEATURES = Kind(
    name="features",
    suffix=".feat.h5",
    schema=1,
    made_by="tk-feat",
    meaning="what a speech recogniser hears, one row for each video frame",
    datasets={
        "features": Dataset(
            dtype="float32",
            shape=("frames", "channels"),
            meaning="row i belongs to the time from i/rate to (i + 1)/rate seconds of the clip",
            attributes=("rate", "model"),
        )
    },
)


@dataclass(frozen=True)
class Features:
    """Features of a clip: `values` (frames, channels) float32; row i belongs to [i/rate, (i+1)/rate) seconds of it.

    model: what made them, such as "deepspeech" (tk-feat --model); features of two models are not interchangeable.
    """

    values: np.ndarray
    model: str
    rate: int = FRAME_RATE


def write_feature_file(path: Path, features: Features, made: Provenance) -> None:
    """Write features whole or not at all. OutputError: it cannot be."""
    with create_h5(path, FEATURES, made) as file:
        dataset = file.create_dataset(
            "features", data=features.values, dtype="float32", chunks=True, maxshape=(None, features.values.shape[1]),
            fletcher32=True,
        )  # fmt: skip
        dataset.attrs["rate"] = features.rate
        dataset.attrs["model"] = features.model


def read_feature_file(path: Path) -> Features:
    """The features in a NAME.feat.h5. InputError: not such a file, damaged, without a row, or no numbers."""
    with open_h5(path, FEATURES) as file:
        check_features(file)
        dataset = file["features"]
        return Features(read_rows(dataset), model=str(dataset.attrs["model"]), rate=int(dataset.attrs["rate"]))


def check_features(file: h5py.File) -> int:
    """The number of rows of an open file. InputError: there is none, or values are no numbers."""
    dataset = file["features"]
    if dataset.ndim != 2 or not dataset.size:
        raise InputError(f"/features has shape {dataset.shape}, expected frames x channels", path=file.filename)
    if not np.isfinite(read_rows(dataset)).all():
        raise InputError("/features holds values that are no numbers; make it again", path=file.filename)
    return dataset.shape[0]

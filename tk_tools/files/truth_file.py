"""NAME.truth.h5: what is known of a made clip NAME.mp4: the mouth in each picture, what is said and when."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tk_tools.files.h5 import Dataset, Kind, create_h5, open_h5, read_params, read_rows
from tk_tools.files.provenance import Provenance

TRUTH = Kind(
    name="truth",
    suffix=".truth.h5",
    schema=1,
    made_by="tk-demo-data",
    meaning="what is known of a made clip: the mouth in each picture, what is said and when",
    datasets={
        "mouth/opening": Dataset(
            dtype="float32",
            shape=("frames",),
            meaning="gap between the lips at the middle of the mouth; the face's height is from the bridge of the nose "
            "(point 27 of 68) to the chin (point 8) with the mouth closed",
            attributes=("unit", "frame_rate"),
        ),
        "mouth/width": Dataset(
            dtype="float32",
            shape=("frames",),
            meaning="from one corner of the mouth (point 48 of 68) to the other (point 54)",
            attributes=("unit", "frame_rate"),
        ),
        "phonemes/name": Dataset(
            dtype="object", shape=("phonemes",), meaning="in the letters of espeak-ng; _ is a pause"
        ),
        "phonemes/time": Dataset(
            dtype="float64",
            shape=("phonemes", 2),
            meaning="start and stop on the pictures' clock; in the sound the same lies `shift` frames earlier",
            attributes=("unit", "shift"),
        ),
        "sentences/text": Dataset(dtype="object", shape=("sentences",), meaning="what is said, in order"),
        "sentences/start": Dataset(
            dtype="float64", shape=("sentences",), meaning="start on the pictures' clock", attributes=("unit",)
        ),
    },
)


@dataclass(frozen=True)
class Truth:
    """opening, width (frames,) float32 in face heights, frame_rate a second; phoneme_times (n, 2) and sentence_starts
    (m,) in seconds on the pictures' clock; shift: frames by which the sound comes early."""

    opening: np.ndarray
    width: np.ndarray
    frame_rate: float
    phoneme_names: tuple[str, ...]
    phoneme_times: np.ndarray
    sentences: tuple[str, ...]
    sentence_starts: np.ndarray
    shift: int
    params: dict[str, Any]


def write_truth_file(target: Path, truth: Truth, *, made: Provenance) -> None:
    """Write the truth whole or not at all; its params are those of `made`."""
    with create_h5(target, TRUTH, made) as file:
        for name, values, attributes in (
            ("mouth/opening", truth.opening, {"unit": "face heights", "frame_rate": truth.frame_rate}),
            ("mouth/width", truth.width, {"unit": "face heights", "frame_rate": truth.frame_rate}),
            ("phonemes/time", truth.phoneme_times, {"unit": "s", "shift": truth.shift}),
            ("sentences/start", truth.sentence_starts, {"unit": "s"}),
        ):
            dataset = file.create_dataset(name, data=values, fletcher32=True, chunks=True)
            for key, value in attributes.items():
                dataset.attrs[key] = value
        for name, words in (("phonemes/name", truth.phoneme_names), ("sentences/text", truth.sentences)):
            file.create_dataset(name, data=list(words), shape=(len(words),), dtype=h5py.string_dtype())


def read_truth_file(path: Path) -> Truth:
    """The truth in a NAME.truth.h5. InputError: not such a file, or damaged."""
    with open_h5(path, TRUTH) as file:
        return Truth(
            opening=read_rows(file["mouth/opening"]),
            width=read_rows(file["mouth/width"]),
            frame_rate=float(file["mouth/opening"].attrs["frame_rate"]),
            phoneme_names=tuple(file["phonemes/name"].asstr()[:]),
            phoneme_times=read_rows(file["phonemes/time"]),
            sentences=tuple(file["sentences/text"].asstr()[:]),
            sentence_starts=read_rows(file["sentences/start"]),
            shift=int(file["phonemes/time"].attrs["shift"]),
            params=read_params(file),
        )

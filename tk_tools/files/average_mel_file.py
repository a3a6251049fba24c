"""NAME.avgmel.h5: a recording's mel spectrogram with every phone said by an average voice, and where the phones lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from tk_tools.files.h5 import Dataset, Kind, create_h5, open_h5, read_rows
from tk_tools.files.mel_file import MEL, Mel
from tk_tools.files.provenance import Provenance

AVERAGE_MEL = Kind(
    name="avgmel",
    suffix=".avgmel.h5",
    schema=1,
    made_by="tk-align",
    meaning="the mel spectrogram of a recording, each phone replaced by its average over many voices",
    datasets={
        "avgmel": Dataset(
            dtype="float32",
            shape=("frames", "bands"),
            meaning="as /mel of NAME.mel.h5, frame by frame; the recording's own where no phone lies",
            attributes=MEL.datasets["mel"].attributes,
        ),
        "phones/symbol": Dataset(
            dtype="object", shape=("phones",), meaning="each interval of the TextGrid; empty: it has no label"
        ),
        "phones/frames": Dataset(
            dtype="int64",
            shape=("phones", 2),
            meaning="first frame of each and the one after its last; a frame that two share is the later one's",
            attributes=("unit",),
        ),
    },
)


@dataclass(frozen=True)
class FramedPhones:
    """Phones on the frames of a mel: `symbols`; `frames` (phones, 2) int64, first and one after the last."""

    symbols: tuple[str, ...]
    frames: np.ndarray


def write_average_mel_file(target: Path, mel: Mel, phones: FramedPhones, *, unit: str, made: Provenance) -> None:
    """Write it whole or not at all. unit: that of the mel's preset. OutputError: it cannot be."""
    with create_h5(target, AVERAGE_MEL, made) as file:
        dataset = file.create_dataset("avgmel", data=mel.values, dtype="float32", chunks=True, fletcher32=True)
        for name in ("preset", "sample_rate", "hop_length"):
            dataset.attrs[name] = getattr(mel, name)
        dataset.attrs["unit"] = unit
        count = len(phones.symbols)
        file.create_dataset("phones/symbol", data=list(phones.symbols), shape=(count,), dtype=h5py.string_dtype())
        frames = file.create_dataset("phones/frames", data=phones.frames, dtype="int64", fletcher32=True)
        frames.attrs["unit"] = "frames"


def read_average_mel_file(path: Path) -> Mel:
    """The average voice's mel in a NAME.avgmel.h5. InputError: not such a file, or damaged."""
    with open_h5(path, AVERAGE_MEL) as file:
        dataset = file["avgmel"]
        return Mel(
            values=read_rows(dataset),
            preset=str(dataset.attrs["preset"]),
            sample_rate=int(dataset.attrs["sample_rate"]),
            hop_length=int(dataset.attrs["hop_length"]),
        )


def read_framed_phones(path: Path) -> FramedPhones:
    """Where the phones of a NAME.avgmel.h5 lie. InputError: not such a file, or damaged."""
    with open_h5(path, AVERAGE_MEL) as file:
        return FramedPhones(tuple(file["phones/symbol"].asstr()[:]), read_rows(file["phones/frames"]))

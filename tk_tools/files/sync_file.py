"""NAME.sync.h5: the sync curves of any number of clips, and the distance of every window at every shift.

Written clip by clip by tk-eval-lse --curves; the windows of all clips stand one after another.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tk_tools.errors import InputError
from tk_tools.files.digest import file_digest
from tk_tools.files.h5 import Dataset, Kind, create_h5, open_h5, read_params, read_rows
from tk_tools.files.provenance import Provenance, Source

UNIT = "distance of embeddings"

SYNC = Kind(
    name="sync",
    suffix=".sync.h5",
    schema=1,
    made_by="tk-eval-lse --curves",
    meaning="how far apart mouth and sound are at each shift, for each clip and each window",
    datasets={
        "sync/path": Dataset(
            dtype="object",
            shape=("clips",),
            meaning="path of each clip as it was given",
            attributes=("unit",),
        ),
        "sync/offset": Dataset(
            dtype="int32",
            shape=("shifts",),
            meaning="offset that each column stands for; positive: the sound lies earlier than the picture",
            attributes=("unit",),
        ),
        "sync/curve": Dataset(
            dtype="float32",
            shape=("clips", "shifts"),
            meaning="mean distance of a clip at each offset; its least value is LSE-D",
            attributes=("unit",),
        ),
        "sync/windows": Dataset(
            dtype="int64",
            shape=("clips",),
            meaning="how many windows each clip has, a window beginning at each frame",
            attributes=("unit",),
        ),
        "sync/distance": Dataset(
            dtype="float32",
            shape=("windows", "shifts"),
            meaning="distance of each window at each offset, clip after clip; NaN where there is none",
            attributes=("unit", "frame_rate"),
        ),
    },
)


@dataclass(frozen=True)
class SyncCurve:
    """One clip: path, offsets (S,) in frames, curve (S,), distance (windows, S)."""

    path: Path
    offset: np.ndarray
    curve: np.ndarray
    distance: np.ndarray


class SyncWriter:
    """Add clips one by one; nothing of a clip stays in memory but its curve."""

    def __init__(self, distance: h5py.Dataset):
        self._distance = distance
        self.paths: list[bytes] = []
        self.curves: list[np.ndarray] = []
        self.windows: list[int] = []

    def append(self, path: Path, *, curve: np.ndarray, distance: np.ndarray) -> None:
        """Add a clip: curve (shifts,), distance (windows, shifts)."""
        before = self._distance.shape[0]
        self._distance.resize(before + len(distance), axis=0)
        self._distance[before:] = distance
        self.paths.append(os.fsencode(path))
        self.curves.append(np.asarray(curve, dtype=np.float32))
        self.windows.append(len(distance))


@contextmanager
def create_sync_file(target: Path, *, judge: Path, protocol: dict[str, Any]) -> Iterator[SyncWriter]:
    """Create a file of sync curves whole or not at all; append the clips inside the block.

    judge: its weights, kept as the source. protocol: what the numbers depend on, with `max_shift` and `fps`.
    InputError: the block ends without a clip.
    """
    max_shift = protocol["max_shift"]
    shifts = 2 * max_shift + 1
    made = Provenance(params=protocol, source=Source(name=judge.name, digest=file_digest(judge)))
    with create_h5(target, SYNC, made) as file:
        distance = file.create_dataset(
            "sync/distance",
            shape=(0, shifts),
            maxshape=(None, shifts),
            chunks=(1024, shifts),
            dtype="float32",
            fletcher32=True,
        )
        distance.attrs["unit"] = UNIT
        distance.attrs["frame_rate"] = protocol["fps"]
        writer = SyncWriter(distance)
        yield writer
        if not writer.paths:
            raise InputError("not written: no clip could be measured", path=target)
        paths = file.create_dataset(
            "sync/path", data=writer.paths, shape=(len(writer.paths),), dtype=h5py.string_dtype()
        )
        paths.attrs["unit"] = "path, UTF-8"
        for name, values, unit in (
            ("offset", np.arange(max_shift, -max_shift - 1, -1, dtype=np.int32), "frames"),
            ("curve", np.array(writer.curves, dtype=np.float32), UNIT),
            ("windows", np.array(writer.windows, dtype=np.int64), "windows"),
        ):
            dataset = file.create_dataset(f"sync/{name}", data=values, fletcher32=True)
            dataset.attrs["unit"] = unit


class SyncFile:
    """Read a file of sync curves: `params` (the protocol), `frame_rate`, len(); iteration gives the clips."""

    def __init__(self, path: Path):
        self._file = open_h5(path, SYNC)
        group = self._file["sync"]
        self.params = read_params(self._file)
        self.paths = [Path(os.fsdecode(name)) for name in group["path"][:]]
        self.offset, self.curve = read_rows(group["offset"]), read_rows(group["curve"])
        self._starts = np.concatenate([[0], np.cumsum(read_rows(group["windows"]))])
        self._distance = group["distance"]
        self.frame_rate = int(self._distance.attrs["frame_rate"])

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[SyncCurve]:
        for clip, path in enumerate(self.paths):
            distance = self._distance[self._starts[clip] : self._starts[clip + 1]]
            yield SyncCurve(path=path, offset=self.offset, curve=self.curve[clip], distance=distance)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> SyncFile:
        return self

    def __exit__(self, *error) -> None:
        self.close()

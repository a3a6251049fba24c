"""NAME.embed.h5: speaker embeddings, one row for a file or a speaker, or one for each window of a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from tk_tools.errors import InputError
from tk_tools.files.h5 import Dataset, Kind, create_h5, open_h5, read_rows
from tk_tools.files.provenance import Provenance

EMBED = Kind(
    name="embed",
    suffix=".embed.h5",
    schema=1,
    made_by="tk-embed",
    meaning="who speaks, as the speaker encoder GE2E hears it",
    datasets={
        "embed": Dataset(
            dtype="float32",
            shape=("rows", "channels"),
            meaning="embeddings of unit length: one of a file or a speaker, or one of each window of a file",
            attributes=("preset", "per", "step", "hop_length", "sample_rate", "unit"),
        ),
        "starts": Dataset(
            dtype="float64",
            shape=("rows",),
            meaning="of windows: where in the source each begins; silence is passed over, so it may reach beyond 1.6 s",
            attributes=("unit",),
            optional=True,
        ),
        "files": Dataset(
            dtype="object",
            shape=("files",),
            meaning="of a speaker: the names of the files whose embeddings were averaged",
            optional=True,
        ),
        "left_out": Dataset(
            dtype="object",
            shape=("left_out", 2),
            meaning="of a speaker: name of each file that could not be taken, and why",
            optional=True,
        ),
    },
)
UNIT = "cosine similarity is the dot product"
_NEAR = 1e-3  # of unit length


@dataclass(frozen=True)
class Embed:
    """Speaker embeddings: `values` (rows, 256) float32, unit length; `preset` and `per` as tk-embed names them.

    starts (rows,): seconds where windows begin; files and left_out (name, why): of a speaker. None where not kept.
    """

    values: np.ndarray
    preset: str
    per: str
    starts: np.ndarray | None = None
    files: tuple[str, ...] | None = None
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def mean(self) -> np.ndarray:
        """One embedding for all of it, (256,) float32: the mean of the rows at unit length."""
        total = self.values.sum(axis=0, dtype=np.float64)
        return (total / np.linalg.norm(total)).astype(np.float32)


@dataclass(frozen=True)
class FrontEnd:
    """How the rows came about: preset and per as tk-embed names them; step from window to window in frames of
    hop_length samples at sample_rate Hz."""

    preset: str
    per: str
    step: int
    hop_length: int
    sample_rate: int


def write_embed_file(
    target: Path,
    blocks: Iterable[tuple[np.ndarray, np.ndarray | None]],
    front_end: FrontEnd,
    *,
    made: Provenance,
    files: Sequence[str] | None = None,
    left_out: Sequence[tuple[str, str]] = (),
) -> int:
    """Write blocks of rows (n, channels), each with the starts (n,) of its windows or None, one after another.

    Returns the number of rows. files, left_out: of a speaker, as in Embed.
    """
    with create_h5(target, EMBED, made) as file:
        embed = starts = None
        for values, seconds in blocks:
            if embed is None:
                embed = _growing(file, "embed", (values.shape[1],), "float32")
                starts = None if seconds is None else _growing(file, "starts", (), "float64")
            _append(embed, values)
            if starts is not None:
                _append(starts, seconds)
        for name, value in (vars(front_end) | {"unit": UNIT}).items():
            embed.attrs[name] = value
        if starts is not None:
            starts.attrs["unit"] = "seconds"
        if files is not None:
            _write_names(file, "files", np.array([_utf8(name) for name in files], dtype=object))
        if left_out:
            _write_names(file, "left_out", np.array([[_utf8(a), _utf8(b)] for a, b in left_out], dtype=object))
        return embed.shape[0]


def read_embed_file(path: Path) -> Embed:
    """The embeddings in a NAME.embed.h5. InputError: not such a file, damaged, or without a row."""
    with open_h5(path, EMBED) as file:
        dataset = file["embed"]
        values = read_rows(dataset)
        if not len(values):
            raise InputError("holds no embedding", path=path)
        return Embed(
            values=values,
            preset=str(dataset.attrs["preset"]),
            per=str(dataset.attrs["per"]),
            starts=read_rows(file["starts"]) if "starts" in file else None,
            files=tuple(_names(file["files"])) if "files" in file else None,
            left_out=tuple((name, why) for name, why in map(_names, file["left_out"])) if "left_out" in file else (),
        )


def check_embeddings(file: h5py.File) -> int:
    """The number of rows of an open file. InputError: one is not of unit length."""
    lengths = np.linalg.norm(read_rows(file["embed"]), axis=1)
    wrong = np.flatnonzero(~(np.abs(lengths - 1) < _NEAR))  # also of what is no number
    if len(wrong):
        raise InputError(f"/embed has length {lengths[wrong[0]]:.4g} in row {wrong[0]}, expected 1", path=file.filename)
    return len(lengths)


def _growing(file: h5py.File, name: str, row: tuple[int, ...], dtype: str) -> h5py.Dataset:
    rows = 64 if row else 4096
    return file.create_dataset(
        name, shape=(0, *row), maxshape=(None, *row), dtype=dtype, chunks=(rows, *row), fletcher32=True
    )


def _append(dataset: h5py.Dataset, block: np.ndarray) -> None:
    before = dataset.shape[0]
    dataset.resize(before + len(block), axis=0)
    dataset[before:] = block


def _write_names(file: h5py.File, name: str, values: np.ndarray) -> None:
    file.create_dataset(name, data=values, dtype=h5py.string_dtype())


def _utf8(name: str) -> bytes:
    """Names are bytes of the file system: what is no UTF-8 comes back from `_names` as it was."""
    return name.encode("utf-8", "surrogateescape")


def _names(values: Iterable[bytes]) -> list[str]:
    return [value.decode("utf-8", "surrogateescape") for value in values]

"""HDF5 files with a kind and a schema: created whole, and checked when opened.

Every file has root attributes `kind`, `schema`, `tool`, `params` (JSON: the options that shaped the content) and
`source` (JSON: name and digest of the file it was made from). Each kind is declared by the module that reads it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tk_tools import __version__
from tk_tools.errors import InputError, OutputError
from tk_tools.files.atomic import atomic_path
from tk_tools.files.provenance import Provenance, Source

ROOT_ATTRIBUTES = ("kind", "schema", "tool", "params", "source")


@dataclass(frozen=True)
class Dataset:
    """One dataset of a kind: `shape` names each axis ("frames", 4), `attributes` must be there."""

    dtype: str
    shape: tuple[str | int, ...]
    meaning: str
    attributes: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of HDF5 file: its suffix and the datasets that it holds."""

    name: str
    suffix: str
    schema: int
    made_by: str
    meaning: str
    datasets: dict[str, Dataset] = field(default_factory=dict)


@contextmanager
def create_h5(target: Path, kind: Kind, made: Provenance) -> Iterator[h5py.File]:
    """Create `target` of a kind, whole or not at all. OutputError: disk full, no permission, or not whole."""

    def check(temporary: Path) -> None:
        try:
            with open_h5(temporary, kind) as file:
                check_whole(file, kind)
        except InputError as error:
            raise OutputError(f"was not written whole ({error.message}); is the disk full?", path=target) from error

    with atomic_path(Path(target), check=check) as temporary:
        disk = _Disk(temporary, mode="x+")  # after a signal HDF5 may need it for longer than this block
        try:
            # libver fixed: the same content gives the same bytes
            with _NewFile(disk, mode="w", libver=("v110", "v110")) as file:
                file.attrs["kind"] = kind.name
                file.attrs["schema"] = np.int64(kind.schema)
                file.attrs["tool"] = f"tk-tools {__version__}"
                file.attrs["params"] = json.dumps(made.params, sort_keys=True)
                file.attrs["source"] = json.dumps(vars(made.source), sort_keys=True)
                yield file
                file.flush()
        except OSError as error:
            raise disk.failure or error  # noqa: B904 - one of them is the cause itself
        disk.close()
        if disk.failure is not None:
            raise disk.failure


class _NewFile(h5py.File):
    """Holds its datasets open until they are flushed in their order.

    HDF5 gives a dataset its place when it is closed, and that hung on whoever else looked at it, such as a profiler.
    """

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, **options)
        self._created: list[h5py.Dataset] = []

    def create_dataset(self, *arguments: Any, **options: Any) -> h5py.Dataset:
        dataset = super().create_dataset(*arguments, **options)
        self._created.append(dataset)
        return dataset


class _Disk(io.FileIO):
    """The file below HDF5. A write that fails only seems to be done, and `failure` is raised when the file is closed.

    HDF5 does not get over an error here: the file cannot be closed any more, and the process crashes at its exit.
    """

    failure: BaseException | None = None

    def write(self, data) -> int:
        place, rest = self.tell(), memoryview(data).cast("B")
        end = place + len(rest)
        try:
            while len(rest) and self.failure is None:
                rest = rest[super().write(rest) :]
        except BaseException as error:  # noqa: BLE001 - that of a signal too
            self.failure = error
        self.seek(end)
        return end - place

    def truncate(self, size: int | None = None) -> int:
        try:
            return super().truncate(size)
        except BaseException as error:  # noqa: BLE001
            self.failure = self.failure or error
            return self.tell() if size is None else size


def open_h5(path: Path, kind: Kind) -> h5py.File:
    """Open a file of one kind for reading, with all that the kind says is in it (what is, check_whole looks at).

    InputError: missing, damaged, of another kind or schema, or without a part of it.
    """
    path = Path(path)
    file = open_any_h5(path)
    found = file.attrs.get("kind")
    if found != kind.name:
        file.close()
        what = "has no kind; not a file of tk-tools" if found is None else f"is of kind {found}"
        raise InputError(f"{what}; expected {kind.name} (made by {kind.made_by})", path=path)
    schema = int(file.attrs.get("schema", 0))
    if schema != kind.schema:
        file.close()
        raise InputError(
            f"has schema {schema} of {kind.name}, this version reads {kind.schema}; make it again with {kind.made_by}",
            path=path,
        )
    try:
        _check_parts(file, kind)
    except InputError:
        file.close()
        raise
    return file


def _check_parts(file: h5py.File, kind: Kind) -> None:
    for name in ROOT_ATTRIBUTES:
        if name not in file.attrs:
            raise InputError(f"lacks the root attribute {name}", path=file.filename)
    for name, expected in kind.datasets.items():
        if name in file:
            for attribute in expected.attributes:
                if attribute not in file[name].attrs:
                    raise InputError(f"/{name} lacks the attribute {attribute}", path=file.filename)
        elif not expected.optional:
            raise InputError(f"lacks the dataset /{name}", path=file.filename)


def open_any_h5(path: Path) -> h5py.File:
    """Open any HDF5 file for reading. InputError: missing, unreadable, empty, or not whole."""
    try:
        size = Path(path).stat().st_size
        with open(path, "rb"):
            pass
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from error
    if size == 0:
        raise InputError("is empty (0 bytes)", path=path)
    try:
        return h5py.File(path, mode="r", locking=False)
    except (OSError, RuntimeError) as error:
        raise InputError("is not an HDF5 file, or it is cut short", path=path) from error


def read_rows(dataset: h5py.Dataset, start: int | None = None, stop: int | None = None) -> np.ndarray:
    """Rows start to stop - 1 of a dataset, all by default. InputError: their checksums do not match."""
    try:
        return dataset[start:stop]
    except OSError as error:
        name = dataset.name.lstrip("/")
        raise InputError(f"/{name} is damaged (a checksum does not match)", path=dataset.file.filename) from error


def check_whole(file: h5py.File, kind: Kind) -> None:
    """Check every dataset of a file from open_h5: of its type and shape, and readable to its last byte.

    InputError names the first fault.
    """
    axes: dict[str, int] = {}
    for name, expected in kind.datasets.items():
        if name in file:
            _check_dataset(file[name], name, expected, axes)


def _check_dataset(dataset: h5py.Dataset, name: str, expected: Dataset, axes: dict[str, int]) -> None:
    path = dataset.file.filename
    if dataset.dtype != np.dtype(expected.dtype):
        raise InputError(f"/{name} is {dataset.dtype}, expected {expected.dtype}", path=path)
    if len(dataset.shape) != len(expected.shape):
        raise InputError(f"/{name} has {len(dataset.shape)} axes, expected {len(expected.shape)}", path=path)
    for size, axis in zip(dataset.shape, expected.shape, strict=True):
        wanted = axes.setdefault(axis, size) if isinstance(axis, str) else axis
        if size != wanted:
            raise InputError(f"/{name} has length {size} where {axis} is {wanted}", path=path)
    rows = max(1, (1 << 22) // max(1, dataset.dtype.itemsize * int(np.prod(dataset.shape[1:]))))
    if dataset.shape:  # a scalar has no checksum
        for start in range(0, dataset.shape[0], rows):
            read_rows(dataset, start, start + rows)


def read_params(file: h5py.File) -> dict[str, Any]:
    """The options that shaped the content."""
    return json.loads(file.attrs["params"])


def read_source(file: h5py.File) -> Source:
    """What the file was made from."""
    return Source(**json.loads(file.attrs["source"]))

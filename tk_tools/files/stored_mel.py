"""Frames of a mel wherever it is stored: NAME.mel.h5, NAME.avgmel.h5, or another system's array (bands, frames).

Only the frames that are asked for are read, so that a crop of an hour costs no more than one of a sentence.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from tk_tools.errors import InputError
from tk_tools.files.average_mel_file import AVERAGE_MEL
from tk_tools.files.h5 import open_h5, read_rows
from tk_tools.files.mel_file import MEL


class StoredMel:
    """An open mel of one preset: `len()` frames. Use it in a `with` block."""

    def __init__(self, path: Path, rows: h5py.Dataset | np.ndarray):
        self._path, self._rows = path, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __enter__(self) -> StoredMel:
        return self

    def __exit__(self, *_: object) -> None:
        if isinstance(self._rows, h5py.Dataset):
            self._rows.file.close()

    def read(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Frames start to stop - 1, by default all: (frames, bands) float32. InputError: damaged, or no numbers."""
        if isinstance(self._rows, h5py.Dataset):
            values = read_rows(self._rows, start, stop)
        else:
            values = np.array(self._rows[start:stop], dtype=np.float32)
        if not np.isfinite(values).all():
            raise InputError("holds values that are no numbers; make it again", path=self._path)
        return values


def open_mel(path: Path, preset: str, bands: int) -> StoredMel:
    """Open a mel that was made with `preset`; of an array, which does not tell, the bands are looked at.

    InputError: no such file or array, damaged, or of another preset.
    """
    path = Path(path)
    if path.suffix == ".npy":
        return StoredMel(path, _array(path, bands))
    kind, name = (AVERAGE_MEL, "avgmel") if path.name.endswith(AVERAGE_MEL.suffix) else (MEL, "mel")
    file = open_h5(path, kind)
    found = str(file[name].attrs["preset"])
    if found != preset:
        file.close()
        raise InputError(f"is a mel of the preset {found}; make it with {kind.made_by} --preset {preset}", path=path)
    return StoredMel(path, file[name])


def _array(path: Path, bands: int) -> np.ndarray:
    """(frames, bands), its values still on disk, of an array (bands, frames) or (1, bands, frames)."""
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError("is no NumPy array, or it is cut short", path=path) from error
    if values.dtype.kind != "f" or values.shape[:-1] not in ((bands,), (1, bands)):
        raise InputError(f"holds {values.dtype} {values.shape}; expected float32 ({bands}, frames)", path=path)
    return values.reshape(bands, -1).T

"""All kinds of HDF5 file in the box, by name: what tk-info and tk-check read, and what docs/formats.md lists."""

from __future__ import annotations

from pathlib import Path

import h5py

from tk_tools.errors import InputError
from tk_tools.files.average_mel_file import AVERAGE_MEL
from tk_tools.files.embed_file import EMBED
from tk_tools.files.face_file import FACE
from tk_tools.files.feature_file import FEATURES
from tk_tools.files.frames_file import FRAMES
from tk_tools.files.h5 import Kind, open_any_h5, open_h5
from tk_tools.files.mel_file import MEL
from tk_tools.files.phone_averages_file import PHONE_AVERAGES
from tk_tools.files.sync_file import SYNC
from tk_tools.files.truth_file import TRUTH

KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (FRAMES, FACE, MEL, EMBED, FEATURES, AVERAGE_MEL, PHONE_AVERAGES, SYNC, TRUTH)
}


def open_known(path: Path) -> tuple[Kind, h5py.File]:
    """Open a file of whatever kind it is; see open_h5. InputError: of no kind of the box."""
    with open_any_h5(path) as file:
        name = str(file.attrs.get("kind", "none"))
    if name not in KINDS:
        raise InputError(f"is HDF5 of no kind known here ({name})", path=path)
    return KINDS[name], open_h5(path, KINDS[name])

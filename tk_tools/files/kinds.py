"""All kinds of HDF5 file in the box, by name: what tk-info and tk-check read, and what docs/formats.md lists."""

from __future__ import annotations

from tk_tools.files.face_file import FACE
from tk_tools.files.frames_file import FRAMES
from tk_tools.files.h5 import Kind
from tk_tools.files.mel_file import MEL
from tk_tools.files.sync_file import SYNC
from tk_tools.files.truth_file import TRUTH

KINDS: dict[str, Kind] = {kind.name: kind for kind in (FRAMES, FACE, MEL, SYNC, TRUTH)}
KIND_SUFFIXES = tuple(kind.suffix for kind in KINDS.values())

"""The provenance that a finished result bears: in the root attributes of HDF5, in the comment of wav, mp4 and png, in a
tier of a TextGrid, in the first line of NAME.phonemes.txt."""

from __future__ import annotations

import json
from pathlib import Path

from tk_tools.errors import TkError
from tk_tools.files import phonemes_file, textgrid
from tk_tools.files.provenance import Provenance, Source

_HDF5 = b"\x89HDF\r\n\x1a\n"  # how every such file begins


def read_provenance(path: Path) -> Provenance | None:
    """The provenance that a finished result bears, or None: not there, not whole, or not made by these tools."""
    path = Path(path)
    if not path.is_file():
        return None
    try:
        if path.suffix == textgrid.SUFFIX:
            return textgrid.read_made_by(path)
        if path.name.endswith(phonemes_file.SUFFIX):
            return phonemes_file.read_made_by(path)
        return _from_h5(path) if path.suffix == ".h5" else _from_comment(path)
    except (TkError, OSError, KeyError, ValueError, TypeError):
        return None


def is_of_our_kind(path: Path) -> bool:
    """Whether a file without provenance can still be told for one of ours: an HDF5 file that has a kind, or that was
    cut short, to be made again. Any other may be the user's."""
    path = Path(path)
    if path.suffix != ".h5":
        return False
    import h5py

    try:
        with open(path, "rb") as file:
            begin = file.read(len(_HDF5))
        if begin != _HDF5[: len(begin)]:
            return False
        with h5py.File(path, "r") as file:
            return "kind" in file.attrs
    except PermissionError:
        return False
    except OSError:
        return True


def is_marked_synthetic(path: Path) -> bool:
    """Whether a wav, mp4 or png says in its comment that these tools made it up (tk-infer, tk-demo-data)."""
    try:
        content = json.loads(_comment(Path(path)))
    except (TkError, OSError, KeyError, ValueError):
        return False
    return isinstance(content, dict) and content.get("synthetic") is True


def _from_h5(path: Path) -> Provenance:
    from tk_tools.files.h5 import open_any_h5, read_params, read_source

    with open_any_h5(path) as file:
        return Provenance(read_params(file), read_source(file))


def _from_comment(path: Path) -> Provenance:
    content = json.loads(_comment(path))
    return Provenance(content["params"], Source(**content["source"]))


def _comment(path: Path) -> str:
    """The comment tag. KeyError: there is none."""
    if path.suffix == ".png":
        from PIL import Image

        with Image.open(path) as image:
            return image.info["Comment"]
    from tk_tools.files.media import open_media

    with open_media(path) as container:
        return container.metadata["comment"]

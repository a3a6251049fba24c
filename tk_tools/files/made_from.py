"""The provenance that a finished result bears: in the root attributes of HDF5, in the comment of wav, mp4 and png."""

from __future__ import annotations

import json
from pathlib import Path

from tk_tools.errors import TkError
from tk_tools.files.provenance import Provenance, Source


def read_provenance(path: Path) -> Provenance | None:
    """The provenance that a finished result bears, or None: not there, not whole, or not made by these tools."""
    path = Path(path)
    if not path.is_file():
        return None
    try:
        return _from_h5(path) if path.suffix == ".h5" else _from_comment(path)
    except (TkError, OSError, KeyError, ValueError, TypeError):
        return None


def _from_h5(path: Path) -> Provenance:
    from tk_tools.files.h5 import open_any_h5, read_params, read_source

    with open_any_h5(path) as file:
        return Provenance(read_params(file), read_source(file))


def _from_comment(path: Path) -> Provenance:
    if path.suffix == ".png":
        from PIL import Image

        with Image.open(path) as image:
            comment = image.info["Comment"]
    else:
        from tk_tools.files.video import open_media

        with open_media(path) as container:
            comment = container.metadata["comment"]
    content = json.loads(comment)
    return Provenance(content["params"], Source(**content["source"]))

"""RGB array -> PNG, whole or not at all, with what it was made from in its Comment and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from tk_tools.files.atomic import atomic_path
from tk_tools.files.provenance import Provenance


def write_png(target: Path, picture: np.ndarray, made: Provenance) -> None:
    """Write (H, W, 3) uint8 RGB. OutputError: the folder or the disk does not take the file."""
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", made.comment())
    with atomic_path(target, check=_check) as temporary:
        Image.fromarray(picture).save(temporary, format="png", pnginfo=text)


def _check(path: Path) -> None:
    with Image.open(path) as image:
        image.verify()

"""The work of `tk-infer dinet`: its generator, mask and published sizes in what dubbing/ shares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tk_tools.dubbing.dub import System, dub
from tk_tools.dubbing.masks import square_mask
from tk_tools.models.dinet.command import FEATURES, MOUTH_SIZE
from tk_tools.models.dinet.published import load_generator_and_about

SYSTEM = System(name="dinet", mask=square_mask, mouth_size=MOUTH_SIZE, features=FEATURES, load=load_generator_and_about)


def infer(face: Path, checkpoint: Path, speech: Path, places: Path, *further: Any) -> dict[str, Any]:
    """infer(face, checkpoint, speech, places, *heard, target, options): see dub."""
    *heard, target, options = further
    return dub(SYSTEM, face, checkpoint, speech, places, tuple(heard), target, options)

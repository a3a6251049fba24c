"""Make the original DiffVC, fetched by the user, importable with the packages of today."""

from __future__ import annotations

import sys
import types
from pathlib import Path


def import_from(backbones: Path) -> None:
    """Make the package `model` of the checkout importable in this process."""
    folder = backbones / "DiffVC"
    if not (folder / "model" / "diffusion.py").is_file():
        sys.exit(f"{backbones} is not a checkout of huawei-noah/Speech-Backbones")
    # What it imports and the networks never call.
    sys.modules.setdefault("torchaudio", types.ModuleType("torchaudio"))
    sys.path.insert(0, str(folder))

"""Make the generators of the original LawDNet and DINet, fetched by the user, importable with the packages of today."""

from __future__ import annotations

import importlib
import sys
import types
import warnings
from pathlib import Path
from types import ModuleType

import torch
from torch import nn


class _Resize(nn.Module):
    """torchvision's Resize of tensors, since 0.17 antialiased: the one thing of torchvision that LawDNet calls."""

    def __init__(self, size: tuple[int, int]):
        super().__init__()
        self.size = size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if tuple(x.shape[-2:]) == tuple(self.size):
            return x
        return nn.functional.interpolate(x, size=self.size, mode="bilinear", align_corners=False, antialias=True)


def import_from(checkout: Path, name: str) -> ModuleType:
    """The module models/NAME.py of a checkout ("LawDNet" or "DINet"); the other original can be imported after it."""
    if not (checkout / "models" / f"{name}.py").is_file():
        sys.exit(f"{checkout} has no models/{name}.py")
    transforms = types.ModuleType("torchvision.transforms")
    transforms.Resize = _Resize
    torchvision = types.ModuleType("torchvision")
    torchvision.transforms = transforms
    sys.modules.setdefault("torchvision", torchvision)
    sys.modules.setdefault("torchvision.transforms", transforms)
    warnings.filterwarnings("ignore", message="Default grid_sample|.*autocast.*")
    own = [module for module in sys.modules if module.partition(".")[0] in ("models", "sync_batchnorm")]
    for module in own:
        del sys.modules[module]
    sys.path.insert(0, str(checkout))
    try:
        return importlib.import_module(f"models.{name}")
    finally:
        sys.path.remove(str(checkout))

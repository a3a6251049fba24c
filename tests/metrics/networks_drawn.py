"""Files of the networks that judge pictures, their weights drawn, under their published names."""

from pathlib import Path

import numpy as np
import torch

from tests.golden.golden import draw
from tk_tools.metrics.i3d import I3D
from tk_tools.metrics.lpips import LPIPS
from tk_tools.metrics.networks import LPIPS_NETWORKS
from tk_tools.nets.iresnet import IResNet
from tk_tools.weights.table import get_published


def drawn_state(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Of the module's own keys and shapes."""
    shapes = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    return {key: torch.from_numpy(np.asarray(draw(key, shape))) for key, shape in shapes.items() if shape}


def _write(folder: Path, name: str, state: dict[str, torch.Tensor]) -> Path:
    path = folder / get_published(name).file
    torch.save(state, path)
    return path


def write_lpips(folder: Path, network: str = "alex") -> list[Path]:
    """Features, with a classifier's key as torchvision's file has it, and heads. Like the published heads, these weigh
    no channel below zero."""
    features, heads = LPIPS_NETWORKS[network]
    lpips = LPIPS(network)
    classifier = {"classifier.6.bias": torch.zeros(1000)}
    weights = {key: tensor.abs() for key, tensor in drawn_state(lpips.heads).items()}
    return [_write(folder, features, drawn_state(lpips.network) | classifier), _write(folder, heads, weights)]


def write_arcface(folder: Path, depth: int = 18) -> Path:
    """An IResNet."""
    return _write(folder, "arcface", drawn_state(IResNet(depth)))


def write_i3d(folder: Path) -> Path:
    """I3D."""
    return _write(folder, "fvd-i3d", drawn_state(I3D()))

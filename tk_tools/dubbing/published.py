"""Checkpoints -> the networks that train and judge DINet and LawDNet, and the part of a file that a network is.

Published files hold several networks ("net_g", "net_dI", "net_dV") or one ("net"); ours hold the one that a stage hands
on. A run folder stands for its best weights. All networks come back on the CPU in eval mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from tk_tools.nets.dinet_discriminator import Discriminator
from tk_tools.nets.dinet_layers import PUBLISHED_CHANNELS
from tk_tools.train.run_folder import read_weights, weights_file
from tk_tools.weights.load import load_strictly

GENERATOR, FRAME_JUDGE, CLIP_JUDGE = "net_g", "net_dI", "net_dV"  # as published files name them


def read_part(path: str | Path, part: str) -> tuple[Path, dict[str, Tensor], dict[str, Any]]:
    """The file of weights that `path` stands for, the tensors of one network in it by their own keys, and what is known
    of it (tk_tools.train.run_folder.read_weights). A file with one network gives that, whatever `part` is."""
    file = weights_file(path)
    state, about = read_weights(file)
    own = {key.removeprefix(f"{part}."): value for key, value in state.items() if key.startswith(f"{part}.")}
    return file, own or state, about


def width_of(state: Mapping[str, Tensor], key: str) -> float:
    """The width that the length of a first layer's bias tells; 1.0 where it is missing: loading then says so."""
    return len(state[key]) / PUBLISHED_CHANNELS if key in state else 1.0


def load_discriminator(path: str | Path, part: str) -> Discriminator:
    """The discriminator of frames (FRAME_JUDGE) or of clips (CLIP_JUDGE) in a published checkpoint, or the one that a
    file holds alone.

    WeightsError: damaged, unsafe, or another network's.
    """
    file, state, _ = read_part(path, part)
    first = state.get("down_blocks.0.conv.weight")
    channels = 3 if first is None else first.shape[1]
    network = Discriminator(channels, width_of(state, "down_blocks.0.conv.bias") / 2)
    return load_strictly(network, state, file, "a discriminator of DINet and LawDNet").eval()

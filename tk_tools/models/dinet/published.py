"""Checkpoints -> DINet's generator: the published files as they are, and ours, at whatever sizes they were trained.

Our network bears the published key names, so nothing is renamed; the sizes are those of the shapes, loading is strict,
and a file of another network is named as what it holds. Discriminators and SyncNet: dubbing/published.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from tk_tools.dubbing.published import GENERATOR, read_part, width_of
from tk_tools.models.dinet.networks import DINetConfig, Generator
from tk_tools.weights.load import load_strictly


def load_generator(path: str | Path) -> Generator:
    """The generator in a checkpoint (`clip_training_DINet_256mouth.pth`, a run of ours), on the CPU in eval mode.

    WeightsError: damaged, unsafe, or another network's.
    """
    return load_generator_and_about(path)[0]


def load_generator_and_about(path: str | Path) -> tuple[Generator, dict[str, Any]]:
    """load_generator, and what is known of it: of ours its model, stage and settings, of published ones nothing."""
    file, state, about = read_part(path, GENERATOR)
    return load_strictly(Generator(_sizes(state)), state, file, "a DINet generator").eval(), about


def _sizes(state: Mapping[str, Tensor]) -> DINetConfig:
    """By the shapes; the published ones where something is missing, so that loading names what the file is."""
    try:
        references, sound = (state[f"{name}.0.conv.weight"].shape[1] for name in ("ref_in_conv", "audio_encoder"))
    except (KeyError, IndexError):
        return DINetConfig()
    width = width_of(state, "source_in_conv.0.conv.bias")
    return DINetConfig(width=width, audio_channels=sound, references=references // 3)

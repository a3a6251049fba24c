"""Checkpoints -> LawDNet's generator: the published files as they are, and ours, at whatever sizes they were trained.

Our network bears the published key names, so nothing is renamed; the sizes are those of the shapes, loading is strict,
and a file of another network is named as what it holds. Discriminators and SyncNet: dubbing/published.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from tk_tools.dubbing.published import GENERATOR, read_part, width_of
from tk_tools.models.lawdnet.networks import Generator, LawDNetConfig
from tk_tools.weights.load import load_strictly


def load_generator(path: str | Path) -> Generator:
    """The generator in a checkpoint (`checkpoint_epoch_170.pth`, one of LawDNet's first version without the attention,
    a run of ours), on the CPU in eval mode. WeightsError: damaged, unsafe, or another network's.
    """
    return load_generator_and_about(path)[0]


def load_generator_and_about(path: str | Path) -> tuple[Generator, dict[str, Any]]:
    """load_generator, and what is known of it: of ours its model, stage and settings, of published ones nothing."""
    file, state, about = read_part(path, GENERATOR)
    config = _sizes(state, warp_field=about.get("settings", {}).get("warp_field", "published"))
    return load_strictly(Generator(config), state, file, "a LawDNet generator").eval(), about


def _sizes(state: Mapping[str, Tensor], warp_field: str) -> LawDNetConfig:
    """By the shapes; the published ones where something is missing, so that loading names what the file is."""
    try:
        references, sound = (state[f"{name}.0.conv.weight"].shape[1] for name in ("ref_in_conv", "audio_encoder"))
        channels = len(state["lawLayer_list.1.commn_linear.0.bias"])
        return LawDNetConfig(
            width=width_of(state, "source_in_conv.0.conv.bias"),
            audio_channels=sound,
            references=references // 3,
            key_points=len(state["lawLayer_list.1.radius_layer.0.bias"]) // channels,
            cross_attention=any(key.startswith("cross_attention.") for key in state),
            warp_field=warp_field,
        )
    except (KeyError, IndexError):
        return LawDNetConfig()

"""The keys of LawDNet's training stages; the defaults are the published values.

Preset `tiny`: narrow networks that learn to repaint one speaker's mouth on two CPU cores in minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from tk_tools.dubbing import config as shared
from tk_tools.dubbing.config import TINY_CLIP, TINY_FRAME, TINY_SYNC

Presets = Mapping[str, Mapping[str, Any]]


class SyncConfig(shared.SyncConfig):
    """Stage sync: tells the sound of a mouth from another's."""

    layout = "lawdnet"
    presets: ClassVar[Presets] = {"tiny": TINY_SYNC}

    features: str = Field(
        "deepspeech2", description="Model of the features that lie beside the crops, as tk-feat --model names it."
    )


class FrameConfig(shared.FrameConfig):
    """What the stages that repaint have in common."""

    layout = "lawdnet"

    features: str = Field(
        "deepspeech2", description="Model of the features that lie beside the crops, as tk-feat --model names it."
    )
    picture_weight: float = Field(1.0, ge=0, description="Weight of the pictures' mean squared error.")
    warp_field: Literal["published", "upright"] = Field(
        "published",
        description="How the warp's coarse field becomes one for each pixel. published: with its coordinates mixed up,"
        " as in the original's code and weights. upright: as the paper means it, for training from nothing.",
    )


class Frame64Config(FrameConfig):
    """Stage frame64."""

    presets: ClassVar[Presets] = {"tiny": TINY_FRAME[64] | {"warp_field": "upright"}}

    mouth_size: int = shared.mouth_size(64)
    batch_size: int = Field(16, ge=1, description="Frames in a batch of one device.")
    augment_num: int = Field(32, ge=1, description="Frames drawn from each clip in an epoch.")


class Frame128Config(FrameConfig):
    """Stage frame128."""

    presets: ClassVar[Presets] = {"tiny": TINY_FRAME[128] | {"warp_field": "upright"}}

    mouth_size: int = shared.mouth_size(128)
    batch_size: int = Field(8, ge=1, description="Frames in a batch of one device.")
    augment_num: int = Field(100, ge=1, description="Frames drawn from each clip in an epoch.")


class Frame256Config(FrameConfig):
    """Stage frame256."""

    presets: ClassVar[Presets] = {"tiny": TINY_FRAME[256] | {"warp_field": "upright"}}

    mouth_size: int = shared.mouth_size(256)
    batch_size: int = Field(4, ge=1, description="Frames in a batch of one device.")
    augment_num: int = Field(20, ge=1, description="Frames drawn from each clip in an epoch.")


class ClipConfig(FrameConfig, shared.ClipConfig):
    """Stage clip256; its published mouth is of 288 pixels in spite of the name."""

    presets: ClassVar[Presets] = {"tiny": TINY_CLIP | {"warp_field": "upright"}}

    mouth_size: int = shared.mouth_size(288)
    batch_size: int = Field(1, ge=1, description="Items of five frames in a batch of one device.")
    augment_num: int = Field(3, ge=1, description="Items of five frames drawn from each clip in an epoch.")
    non_decay: int = Field(85, ge=1, description="Epochs at the full learning rates.")
    decay: int = Field(85, ge=0, description="Epochs after these, over which the learning rates fall towards zero.")

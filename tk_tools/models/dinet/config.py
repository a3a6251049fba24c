"""The keys of DINet's training stages; the defaults are the published values.

Preset `tiny`: narrow networks that learn to repaint one speaker's mouth on two CPU cores in minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from tk_tools.dubbing import config as shared
from tk_tools.dubbing.config import TINY_CLIP, TINY_FRAME, TINY_SYNC

Presets = Mapping[str, Mapping[str, Any]]


class SyncConfig(shared.SyncConfig):
    """Stage sync: tells the sound of a mouth from another's."""

    layout = "dinet"
    presets: ClassVar[Presets] = {"tiny": TINY_SYNC}


class FrameConfig(shared.FrameConfig):
    """What the stages that repaint have in common."""

    layout = "dinet"

    non_decay: int = Field(200, ge=1, description="Epochs at the full learning rates.")
    decay: int = Field(200, ge=0, description="Epochs after these, over which the learning rates fall towards zero.")


class Frame64Config(FrameConfig):
    """Stage frame64; the authors stopped after about 270 epochs."""

    presets: ClassVar[Presets] = {"tiny": TINY_FRAME[64]}

    mouth_size: int = shared.mouth_size(64)
    batch_size: int = Field(24, ge=1, description="Frames in a batch of one device.")
    augment_num: int = Field(32, ge=1, description="Frames drawn from each clip in an epoch.")


class Frame128Config(FrameConfig):
    """Stage frame128; the authors stopped after about 200 epochs."""

    presets: ClassVar[Presets] = {"tiny": TINY_FRAME[128]}

    mouth_size: int = shared.mouth_size(128)
    batch_size: int = Field(80, ge=1, description="Frames in a batch of one device.")
    augment_num: int = Field(100, ge=1, description="Frames drawn from each clip in an epoch.")


class Frame256Config(FrameConfig):
    """Stage frame256; the authors stopped after about 200 epochs."""

    presets: ClassVar[Presets] = {"tiny": TINY_FRAME[256]}

    mouth_size: int = shared.mouth_size(256)
    batch_size: int = Field(12, ge=1, description="Frames in a batch of one device.")
    augment_num: int = Field(20, ge=1, description="Frames drawn from each clip in an epoch.")


class ClipConfig(FrameConfig, shared.ClipConfig):
    """Stage clip256; the authors found epoch 160 the best."""

    presets: ClassVar[Presets] = {"tiny": TINY_CLIP}

    mouth_size: int = shared.mouth_size(256)
    batch_size: int = Field(3, ge=1, description="Items of five frames in a batch of one device.")
    augment_num: int = Field(3, ge=1, description="Items of five frames drawn from each clip in an epoch.")

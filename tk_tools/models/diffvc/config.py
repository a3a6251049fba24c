"""The keys of DiffVC's two training stages; the defaults are the published values.

Preset `tiny`: narrow networks that learn a few voices on two CPU cores in minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from tk_tools.train.config import Config, Section

_TINY: dict[str, Any] = {
    "val_share": 0.1,
    "decay": True,
    "crop_frames": 64,
    "log_every": 50,
    "loader_workers": 0,  # a crop is a few kilobytes, and a second process would take a core from the networks
    "min_utterances": 1,
}


class EncoderSizes(Section):
    """Sizes of a new encoder; given weights keep theirs."""

    channels: int = Field(192, ge=8, description="Channels of its layers.")
    filters: int = Field(768, ge=8, description="Channels inside the layers.")
    heads: int = Field(2, ge=1, description="Heads of its attention; they divide the channels.")
    layers: int = Field(6, ge=1, description="Layers of attention.")
    picture_channels: int = Field(
        128, ge=8, multiple_of=8, description="Channels of the convolutions over the mel as a picture."
    )


class DecoderSizes(Section):
    """Sizes of a new score network; given weights keep theirs."""

    channels: int = Field(256, ge=8, multiple_of=8, description="Channels of its first level; the next have 2 and 4x.")
    condition: int = Field(
        128, ge=4, multiple_of=4, description="Channels of what it is told of the target and the time."
    )
    use_reference: bool = Field(
        True, description="Whether it hears a reference mel of the target (as published), or knows its embedding alone."
    )


class DiffVCConfig(Config):
    """What both stages share."""

    def free_keys(self) -> frozenset[str]:
        return self.free - {"max_steps"} if self.decay else self.free  # the rate falls towards the last step

    seed: int = Field(37, ge=0, description="Seed of the weights, the order of clips and all that is drawn from them.")
    crop_frames: int = Field(
        128, ge=8, multiple_of=4, description="Mel frames of a training item, 86 a second; shorter clips are padded."
    )
    min_frames: int = Field(16, ge=1, description="Clips with fewer mel frames are left out.")
    min_utterances: int = Field(1, ge=1, description="Speakers (folders) with fewer clips are not trained on.")
    decay: bool = Field(
        False,
        description="Whether the learning rate falls to zero by max_steps, along a cosine; the original keeps it.",
    )
    clip_norm: float = Field(1.0, gt=0, description="Norm that gradients are brought down to.")


class EncoderConfig(DiffVCConfig):
    """Stage encoder: any voice's mel to the average voice's."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": _TINY
        | {
            "network.channels": 64,
            "network.filters": 128,
            "network.layers": 3,
            "network.picture_channels": 16,
            "prenet_dropout": 0.2,
            "learning_rate": 1e-3,
            "batch_size": 16,
            "max_steps": 300,
            "validate_every": 150,
            "checkpoint_every": 150,
        }
    }

    max_steps: int = Field(351_000, ge=1, description="Steps to train; the original's 300 epochs of LibriTTS.")
    batch_size: int = Field(128, ge=1, description="Crops in a batch of one device.")
    learning_rate: float = Field(5e-4, gt=0, description="Step size of Adam.")
    network: EncoderSizes = Field(EncoderSizes(), description="Sizes of the network.")
    prenet_dropout: float = Field(0.5, ge=0, lt=1, description="Dropout of the first three convolutions.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Dropout of the layers of attention.")


class DecoderConfig(DiffVCConfig):
    """Stage decoder: noise around the average voice to the mel of a voice."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": _TINY
        | {
            "network.channels": 32,
            "network.condition": 32,
            "learning_rate": 1e-3,
            "batch_size": 4,
            "max_steps": 1200,
            "validate_every": 300,
            "checkpoint_every": 300,
        }
    }

    max_steps: int = Field(515_000, ge=1, description="Steps to train; the original's 110 epochs of LibriTTS.")
    batch_size: int = Field(32, ge=1, description="Crops in a batch of one device.")
    learning_rate: float = Field(1e-4, gt=0, description="Step size of Adam.")
    min_utterances: int = Field(10, ge=1, description="Speakers (folders) with fewer clips are not trained on.")
    network: DecoderSizes = Field(DecoderSizes(), description="Sizes of the network.")
    crops_at_once: int = Field(
        8,
        ge=1,
        description="Crops that go through the network together; a batch goes in such parts, which bounds the memory"
        " and gives the same gradients.",
    )
    sample_steps: int = Field(30, ge=1, description="Diffusion steps of the sample sounds.")

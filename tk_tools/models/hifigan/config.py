"""The keys of HiFi-GAN's two training stages; the defaults are those of the published config_v1.json.

Presets: `v2` is the published small generator, `tiny` a narrow one that learns a few voices on two CPU cores in
minutes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from tk_tools.audio.mel_presets import DIFFVC
from tk_tools.errors import ConfigError
from tk_tools.train.config import Config

_V2: dict[str, Any] = {"channels": 128}
_TINY: dict[str, Any] = {
    "channels": 128,
    "rates": [8, 8, 4],
    "kernels": [16, 16, 8],
    "block_kernels": [3, 7],
    "dilations": [1, 3],
    "discriminator_width": 0.125,
    "learning_rate": 2e-3,
    "decay": 0.9982,
    "decay_every": 1,
    "batch_size": 8,
    "segment": 4096,
    "val_share": 0.1,
    "val_seconds": 5.0,
    "loader_workers": 0,  # a segment is a few kilobytes, and a second process would take a core from the networks
    "adversarial_from": 1300,
    "max_steps": 1350,
    "validate_every": 225,
    "checkpoint_every": 450,
}


class HiFiGANConfig(Config):
    """What both stages share."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"tiny": _TINY, "v2": _V2}

    seed: int = Field(
        1234, ge=0, description="Seed of the weights, the order of clips and all that is drawn from them."
    )
    batch_size: int = Field(16, ge=1, description="Segments in a batch of one device.")
    validate_every: int = Field(1000, ge=1, description="Steps between validations; each also draws samples.")
    checkpoint_every: int = Field(5000, ge=1, description="Steps between checkpoints.")
    segment: int = Field(
        8192,
        ge=1024,
        multiple_of=DIFFVC.hop_length,
        description="Samples of a training item, 22050 a second; shorter sounds are filled up with silence.",
    )
    learning_rate: float = Field(2e-4, gt=0, description="Step size of AdamW at the start, both networks.")
    beta1: float = Field(0.8, ge=0, lt=1, description="AdamW's decay of the gradient's mean.")
    beta2: float = Field(0.99, ge=0, lt=1, description="AdamW's decay of the gradient's square.")
    decay: float = Field(0.999, gt=0, le=1, description="What the learning rates are multiplied by as time goes on.")
    decay_every: int = Field(
        0,
        ge=0,
        description="Steps from one decay to the next; 0: an epoch, as in the original, where it had 809 steps.",
    )
    mel_weight: float = Field(45.0, ge=0, description="Weight of the mel's mean absolute error up to 11025 Hz.")
    adversarial_from: int = Field(
        0,
        ge=0,
        description="Steps in which the generator learns from the mel alone, before the discriminators join; none in"
        " the original.",
    )
    channels: int = Field(512, ge=16, description="Channels of a new generator behind its first layer.")
    rates: tuple[int, ...] = Field(
        (8, 8, 2, 2), description="Its upsampling rates; their product is the mel's hop, 256."
    )
    kernels: tuple[int, ...] = Field((16, 16, 4, 4), description="Kernel of each upsampling, by the rate or wider.")
    block_kernels: tuple[int, ...] = Field((3, 7, 11), description="Kernels of the residual blocks behind each.")
    dilations: tuple[int, ...] = Field((1, 3, 5), description="Dilations in each residual block.")
    discriminator_width: float = Field(
        1.0,
        gt=0,
        le=2,
        multiple_of=0.125,
        description="Channels of new discriminators, in eighths of the published ones; given weights keep theirs.",
    )
    discriminators: str = Field(
        "",
        description="Weights that the discriminators start from: a published do_XXXXXXXX, a checkpoint or a run of"
        " tk-train; empty: new ones.",
    )
    seconds_per_item: float = Field(
        12.0,
        gt=0,
        description="Longer recordings count as several clips, of at most this length; an epoch has an item of each.",
    )
    val_seconds: float = Field(
        20.0, ge=0.1, description="Longest part of a clip that is judged in a validation, from its middle."
    )
    min_sample_rate: int = Field(
        2 * int(DIFFVC.fmax),
        ge=1,
        description="Clips of a lower sample rate (Hz) are left out: they lack what the mel hears up to 8000 Hz.",
    )
    cache_mb: int = Field(
        2048,
        ge=0,
        description="Memory in MB of all processes of a device together for compressed sounds (mp3, m4a, ...)"
        " that were decoded once; of wav and flac the segment alone is read.",
    )

    def sizes(self):
        """The generator's sizes. ConfigError: they fit neither one another nor the mel."""
        from tk_tools.nets.hifigan import HiFiGANConfig as Sizes

        if math.prod(self.rates) != DIFFVC.hop_length:
            raise ConfigError(f"rates {list(self.rates)}: their product must be {DIFFVC.hop_length}, the mel's hop")
        if len(self.kernels) != len(self.rates):
            raise ConfigError(f"kernels must be as many as rates, {len(self.rates)}, not {len(self.kernels)}")
        for kernel, rate in zip(self.kernels, self.rates, strict=True):
            if kernel < rate or (kernel - rate) % 2:
                raise ConfigError(
                    f"kernels: {kernel} is none for the rate {rate}; say {rate}, {rate + 2}, {rate + 4}, ..."
                )
        if self.channels % 2 ** len(self.rates):
            raise ConfigError(f"channels must be a multiple of {2 ** len(self.rates)}: each of the rates halves them")
        if not self.block_kernels or any(kernel < 1 or kernel % 2 == 0 for kernel in self.block_kernels):
            raise ConfigError(f"block_kernels {list(self.block_kernels)}: give odd numbers, one at least")
        if not self.dilations or min(self.dilations) < 1:
            raise ConfigError(f"dilations {list(self.dilations)}: give numbers from 1 on, one at least")
        return Sizes(
            bands=DIFFVC.n_mels,
            channels=self.channels,
            rates=self.rates,
            kernels=self.kernels,
            block_kernels=self.block_kernels,
            dilations=self.dilations,
        )


class VocoderConfig(HiFiGANConfig):
    """Stage vocoder: sound of its own mel."""

    max_steps: int = Field(2_500_000, ge=1, description="Steps to train; speech is clear long before.")
    peak: float = Field(
        0.95, ge=0, le=1, description="Each clip is brought to this peak before anything else; 0: left as it is."
    )


class FinetuneConfig(HiFiGANConfig):
    """Stage finetune: sound of mels that another system made."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": _TINY
        | {
            "learning_rate": 2e-4,
            "adversarial_from": 0,
            "max_steps": 100,
            "validate_every": 50,
            "checkpoint_every": 50,
        },
        "v2": _V2,
    }

    max_steps: int = Field(100_000, ge=1, description="Steps to train.")

"""The keys of Wav2Lip's three training stages; the defaults are the published values.

Preset `tiny`: narrow networks that learn made clips (tk-demo-data) on two CPU cores in minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from tk_tools.train.config import Config

_TINY: dict[str, Any] = {
    "decay": True,
    "windows_per_clip": 4,
    "val_windows_per_clip": 8,
    "val_share": 0.1,
    "log_every": 20,
    "loader_workers": 0,  # the clips fit into memory, and a second process would cost more than it gives
}


class Wav2LipConfig(Config):
    """What all three stages share."""

    def free_keys(self) -> frozenset[str]:
        return self.free - {"max_steps"} if self.decay else self.free  # the rates fall towards the last step

    width: float = Field(
        1.0,
        gt=0,
        le=4,
        multiple_of=0.125,
        description="Channels of new networks, in eighths of the published ones; given weights keep theirs.",
    )
    learning_rate: float = Field(1e-4, gt=0, description="Step size of Adam.")
    beta1: float = Field(0.9, ge=0, lt=1, description="Adam's decay of the gradient's mean.")
    beta2: float = Field(0.999, ge=0, lt=1, description="Adam's decay of the gradient's square.")
    decay: bool = Field(
        False,
        description="Whether the learning rates fall to zero by max_steps, along a cosine; the original keeps them.",
    )
    windows_per_clip: int = Field(
        1, ge=1, description="Windows drawn from each clip in an epoch; the original draws one."
    )
    batch_size: int = Field(16, ge=2, description="Items in a batch of one device: windows of five frames.")
    val_windows_per_clip: int = Field(
        4, ge=1, description="Windows of each validation clip, spread over it and the same in every validation."
    )
    cache_mb: int = Field(
        2048,
        ge=0,
        description="Memory in MB of all processes of a device together, for clips that were read once; 0: read"
        " them again each time.",
    )
    min_windows: int = Field(
        10, ge=1, description="Clips with fewer usable windows of five frames are left out, with a line that says so."
    )


class ExpertConfig(Wav2LipConfig):
    """Stage expert: tells synced from shifted mouths."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": _TINY
        | {
            "width": 0.25,
            "learning_rate": 7e-4,
            "batch_size": 8,
            "windows_per_item": 4,
            "nearby_share": 0.5,
            "max_steps": 700,
            "validate_every": 100,
            "checkpoint_every": 250,
            "stuck_after": 400,
        }
    }

    max_steps: int = Field(
        400_000, ge=1, description="Steps to train; the original is stopped by hand at a loss of about 0.25."
    )
    batch_size: int = Field(
        64, ge=2, description="Items in a batch of one device, of windows_per_item windows of five frames each."
    )
    validate_every: int = Field(10_000, ge=1, description="Steps between validations; each may mark a best checkpoint.")
    validate_batches: int = Field(
        1402, ge=0, description="Batches in a validation, at most one pass; 0: once through the validation clips."
    )
    checkpoint_every: int = Field(10_000, ge=1, description="Steps between checkpoints.")
    windows_per_item: int = Field(
        1,
        ge=1,
        description="Windows of one clip in an item. 1: the original's coin, a window in sync or off. More: each"
        " sound is judged against the pictures of all the item's windows, so that the same passes teach more.",
    )
    nearby_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of the off-sync windows from nearby_frames around; the others from anywhere in the clip.",
    )
    nearby_frames: int = Field(15, ge=1, description="Frames that a nearby off-sync window is away at most.")
    stuck_after: int = Field(
        20_000,
        ge=1,
        description="Steps after which a loss that still sits at 0.69 (guessing) is reported with its likely causes.",
    )


class GeneratorConfig(Wav2LipConfig):
    """Stage generator: draws the mouth, by L1 and, once that is good enough, by the expert."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": _TINY
        | {
            "width": 0.25,
            "learning_rate": 3e-4,
            "batch_size": 20,
            "warm_start": True,
            "single_frames": True,
            "squared_error": True,
            "mouth_weight": 4.0,
            "sync_weight": 0.0,
            "expert_norm": "running",
            "max_steps": 450,
            "validate_every": 225,
            "checkpoint_every": 225,
        }
    }

    max_steps: int = Field(300_000, ge=1, description="Steps to train; the original is stopped by hand.")
    validate_every: int = Field(
        3000, ge=1, description="Steps between validations; each also draws samples and may switch the sync loss on."
    )
    validate_batches: int = Field(
        701, ge=0, description="Batches in a validation, at most one pass; 0: once through the validation clips."
    )
    checkpoint_every: int = Field(3000, ge=1, description="Steps between checkpoints.")
    sync_weight: float = Field(0.01, ge=0, le=1, description="Weight of the sync loss once it is on; L1 has the rest.")
    sync_threshold: float = Field(
        0.75,
        ge=0,
        description="The first validation whose mean sync loss is below this switches the sync loss on for good.",
    )
    sync_from_start: bool = Field(
        False, description="Whether the sync loss is on from the first step, whatever the validations say."
    )
    warm_start: bool = Field(
        False,
        description="Whether a new generator begins by copying its reference, with the audio encoder of the expert"
        " (of the same width), instead of at random as the original does.",
    )
    single_frames: bool = Field(
        False,
        description="Whether a training item is one frame of a window and not all five: more unlike pictures in a batch"
        " of the same cost, but nothing that the expert could judge, so sync_weight must be 0.",
    )
    squared_error: bool = Field(
        False,
        description="Whether the pictures' error is squared, which weighs the mouth that moves more than the skin that"
        " nearly fits, instead of the original's L1.",
    )
    mouth_weight: float = Field(
        1.0, ge=1, description="Weight in the pictures' error of the pixels around the mouth; 1: that of all others."
    )
    expert_norm: Literal["batch", "running"] = Field(
        "batch",
        description="Statistics of the frozen expert's batch norms: of the batch at hand, as in the original and as its"
        " thresholds were found, or the running ones of its training, which do not depend on the batch.",
    )


class GanConfig(GeneratorConfig):
    """Stage gan: the generator again, against a visual quality discriminator as well."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": _TINY
        | {
            "width": 0.25,
            "batch_size": 4,
            "learning_rate": 5e-5,
            "mouth_weight": 4.0,
            "sync_from_start": True,
            "expert_norm": "running",
            "max_steps": 30,
            "validate_every": 30,
            "checkpoint_every": 30,
        }
    }

    validate_batches: int = Field(
        302, ge=0, description="Batches in a validation, at most one pass; 0: once through the validation clips."
    )
    beta1: float = Field(0.5, ge=0, lt=1, description="Adam's decay of the gradient's mean, both networks.")
    sync_weight: float = Field(0.03, ge=0, le=1, description="Weight of the sync loss once it is on; L1 has the rest.")
    perceptual_weight: float = Field(
        0.07, ge=0, le=1, description="Weight of the discriminator's judgement; L1 has the rest."
    )
    discriminator: str = Field(
        "", description="Weights that the discriminator starts from (visual_quality_disc.pth, say); empty: new ones."
    )
    discriminator_learning_rate: float = Field(1e-4, gt=0, description="Step size of the discriminator's Adam.")

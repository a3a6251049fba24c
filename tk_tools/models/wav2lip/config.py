"""The keys of Wav2Lip's three training stages; the defaults are the published values.

Preset `tiny`: narrow networks that learn one made speaker on two CPU cores in minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from tk_tools.train.config import Config


class _Wav2LipConfig(Config):
    """What all three stages share."""

    width: float = Field(
        1.0,
        gt=0,
        le=4,
        multiple_of=0.125,
        description="Channels of every network as a multiple of the published ones, in eighths.",
    )
    learning_rate: float = Field(1e-4, gt=0, description="Step size of Adam.")
    beta1: float = Field(0.9, ge=0, lt=1, description="Adam's decay of the gradient's mean.")
    beta2: float = Field(0.999, ge=0, lt=1, description="Adam's decay of the gradient's square.")
    windows_per_clip: int = Field(
        1, ge=1, description="Windows drawn from each clip in an epoch; the original draws one."
    )
    val_windows_per_clip: int = Field(
        4, ge=1, description="Windows of each validation clip, spread over it and the same in every validation."
    )
    cache_mb: int = Field(
        2048,
        ge=0,
        description="Memory in MB, in each loader process, for pictures and mels that were read once; 0: read again each time.",
    )
    min_windows: int = Field(
        10, ge=1, description="Clips with fewer usable windows of five frames are left out, with a line that says so."
    )


class ExpertConfig(_Wav2LipConfig):
    """Stage expert: tells synced from shifted mouths."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    max_steps: int = Field(400_000, ge=1, description="Steps to train; the original is stopped by hand at a loss of about 0.25.")
    batch_size: int = Field(64, ge=1, description="Windows in a batch of one device.")
    validate_every: int = Field(
        10_000, ge=1, description="Steps between validations; each may mark a best checkpoint."
    )
    checkpoint_every: int = Field(10_000, ge=1, description="Steps between checkpoints.")
    nearby_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of the off-sync windows drawn from at most nearby_frames away; the others come from anywhere in the clip.",
    )
    nearby_frames: int = Field(15, ge=1, description="Frames that a nearby off-sync window is away at most.")
    stuck_after: int = Field(
        20_000,
        ge=1,
        description="Steps after which a loss that still sits at 0.69 (guessing) is reported with its likely causes.",
    )


class GeneratorConfig(_Wav2LipConfig):
    """Stage generator: draws the mouth, by L1 and, once that is good enough, by the expert."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    max_steps: int = Field(300_000, ge=1, description="Steps to train; the original is stopped by hand.")
    batch_size: int = Field(16, ge=1, description="Windows of five frames in a batch of one device.")
    validate_every: int = Field(
        3000, ge=1, description="Steps between validations; each also draws samples and may switch the sync loss on."
    )
    validate_batches: int = Field(
        701, ge=0, description="Batches in a validation, at most one pass; 0: once through the validation clips."
    )
    checkpoint_every: int = Field(3000, ge=1, description="Steps between checkpoints.")
    sync_weight: float = Field(0.01, ge=0, le=1, description="Weight of the sync loss once it is on; L1 has the rest.")
    sync_threshold: float = Field(
        0.75, ge=0, description="The sync loss is switched on by the first validation in which its mean is below this, and stays on."
    )
    sync_from_start: bool = Field(
        False, description="Whether the sync loss is on from the first step, whatever the validations say."
    )
    expert_norm: Literal["batch", "running"] = Field(
        "batch",
        description="Statistics of the frozen expert's batch norms: of the batch at hand, as in the original and as its"
        " thresholds were found, or the running ones of its training, which do not depend on the batch.",
    )


class GanConfig(GeneratorConfig):
    """Stage gan: the generator again, against a visual quality discriminator as well."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    validate_batches: int = Field(
        302, ge=0, description="Batches in a validation, at most one pass; 0: once through the validation clips."
    )
    beta1: float = Field(0.5, ge=0, lt=1, description="Adam's decay of the gradient's mean, both networks.")
    sync_weight: float = Field(0.03, ge=0, le=1, description="Weight of the sync loss once it is on; L1 has the rest.")
    perceptual_weight: float = Field(
        0.07, ge=0, le=1, description="Weight of the discriminator's judgement; L1 has the rest."
    )
    discriminator_learning_rate: float = Field(1e-4, gt=0, description="Step size of the discriminator's Adam.")

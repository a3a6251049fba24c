"""The keys of the training stages that repaint a mouth; each system adds its own published values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from tk_tools.errors import ConfigError
from tk_tools.train.config import Config

_TINY: dict[str, Any] = {
    "features": "mel",
    "width": 0.25,
    "held_out_share": 0.2,
    "val_share": 0.1,
    "val_items_per_clip": 8,
    "loader_workers": 0,  # the clips fit into memory, and a second process would cost more than it gives
    "log_every": 20,
}
TINY_SYNC = _TINY | {
    "mouth_size": 64,
    "learning_rate": 3e-4,
    "batch_size": 8,
    "max_steps": 100,
    "validate_every": 50,
    "checkpoint_every": 100,
    "stuck_after": 100,
}


def _frames(learning_rate: float, batch_size: int, epoch_steps: int, **values: Any) -> Mapping[str, Any]:
    steps = 10 * epoch_steps
    return (
        _TINY
        | {
            "perception": "pixels",
            "gan_weight": 0.1,
            "learning_rate": learning_rate,
            "batch_size": batch_size,
            "epoch_steps": epoch_steps,
            "non_decay": 5,
            "decay": 5,
            "validate_every": max(steps // 4, 1),
            "checkpoint_every": steps,
        }
        | values
    )


TINY_FRAME = {
    64: _frames(learning_rate=1e-3, batch_size=4, epoch_steps=20),
    128: _frames(learning_rate=5e-4, batch_size=4, epoch_steps=8),
    256: _frames(learning_rate=3e-4, batch_size=2, epoch_steps=4),
}
TINY_CLIP = _frames(
    learning_rate=1e-4,
    batch_size=3,  # five neighbouring frames alone would spoil DINet's batch norms
    epoch_steps=1,
    mouth_size=256,
    gan_clip_weight=0.1,
    val_items_per_clip=4,
    validate_every=5,
    log_every=5,
)


def mouth_size(default: int) -> Any:
    """The key of that name, with a stage's own default."""
    return Field(
        default,
        ge=64,  # a discriminator sees nothing of smaller ones
        multiple_of=32,
        description="Side of the mouth in pixels; the crop around it is 13/8 as high and 5/4 as wide.",
    )


class DubbingConfig(Config):
    """What all stages share. layout: of the crops they are trained on (tk-crop-face --layout)."""

    layout: ClassVar[str]

    seed: int = Field(456, ge=0, description="Seed of the weights, the order of clips and all that is drawn from them.")
    features: str = Field(
        "deepspeech", description="Model of the features that lie beside the crops, as tk-feat --model names it."
    )
    mouth_size: int = mouth_size(256)
    width: float = Field(
        1.0,
        gt=0,
        le=4,
        multiple_of=0.125,
        description="Channels of new networks, in eighths of the published ones; given weights keep theirs.",
    )
    learning_rate: float = Field(1e-4, gt=0, description="Step size of the optimiser at the start.")
    augment_num: int = Field(100, ge=1, description="Items drawn from each clip in an epoch.")
    held_out_share: float = Field(
        0.0,
        ge=0,
        le=0.5,
        description="Share at the end of each clip that is not trained on, and alone is repainted in a validation: so"
        " that one clip can be trained and judged. 0: clips are whole.",
    )
    val_items_per_clip: int = Field(
        4, ge=1, description="Items of each validation clip, spread over it and the same in every validation."
    )
    cache_mb: int = Field(
        2048,
        ge=0,
        description="Memory in MB of all processes of a device together, for clips that were decoded once;"
        " 0: decode them again each time.",
    )


class SyncConfig(DubbingConfig):
    """Stage sync: the network that tells whether a mouth fits the sound."""

    max_steps: int = Field(200_000, ge=1, description="Steps to train; the original's training is not published.")
    batch_size: int = Field(16, ge=1, description="Items in a batch of one device: five mouths with two sounds.")
    loss: Literal["mse", "bce"] = Field(
        "mse",
        description="mse: scores near 1 in sync and 0 off it, as the published SyncNet gives them. bce: cross entropy,"
        " whose scores are squashed to 0..1 wherever they judge.",
    )
    nearby_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of the sounds off sync from within a second; the others from anywhere in the clip.",
    )
    stuck_after: int = Field(
        20_000, ge=1, description="Steps after which a network that still guesses is reported with likely causes."
    )


class FrameConfig(DubbingConfig):
    """A stage that repaints single frames."""

    max_steps: int = Field(0, ge=0, description="Steps to train; 0: non_decay + decay epochs, as the original.")
    discriminator_learning_rate: float = Field(
        1e-4, gt=0, description="Step size of the discriminators' optimisers at the start."
    )
    discriminators: str = Field(
        "", description="Published checkpoint whose discriminators training begins with; empty: new ones."
    )
    non_decay: int = Field(5, ge=1, description="Epochs at the full learning rates.")
    decay: int = Field(5, ge=0, description="Epochs after these, over which the learning rates fall towards zero.")
    epoch_steps: int = Field(
        0, ge=0, description="Steps of an epoch; 0: augment_num items of each clip once, as the original."
    )
    perception: Literal["vgg19", "pixels"] = Field(
        "vgg19",
        description="What likeness is judged by. vgg19: maps of VGG19 (tk-weights fetch vgg19), as published. pixels:"
        " the pictures themselves at five scales, which needs no weights and gives softer ones.",
    )
    perception_weight: float = Field(10.0, ge=0, description="Weight of the likeness.")
    picture_weight: float = Field(0.0, ge=0, description="Weight of the pictures' mean squared error.")
    gan_weight: float = Field(1.0, ge=0, description="Weight of the discriminator's judgement of single frames.")

    def epoch(self, clips: int, devices: int) -> float:
        """Steps of an epoch on that many clips and devices."""
        return self.epoch_steps or max(1.0, clips * self.augment_num / (self.batch_size * self.accumulate * devices))

    def steps(self, clips: int, devices: int) -> int:
        epoch = self.epoch(clips, devices)
        if not self.max_steps:
            return max(1, int((self.non_decay + self.decay) * epoch))
        last = int((self.max_steps - 1) / epoch)
        if last > self.non_decay + self.decay:
            raise ConfigError(
                f"max_steps={self.max_steps} are {last + 1} epochs of {epoch:.0f} steps; after non_decay + decay + 1 ="
                f" {self.non_decay + self.decay + 1} of them the learning rate is zero, and below it then: raise"
                " non_decay or decay, set epoch_steps, or lower max_steps (0 ends in time)"
            )
        return self.max_steps


class ClipConfig(FrameConfig):
    """The last stage: five frames at a time, judged together and by a SyncNet."""

    gan_clip_weight: float = Field(1.0, ge=0, description="Weight of the discriminator's judgement of five frames.")
    sync_weight: float = Field(0.1, ge=0, description="Weight of the SyncNet's judgement.")
    sync_clamp: bool = Field(
        False,
        description="Whether a score above 1 counts as 1, so that a good mouth is not pulled back; steadier, and not"
        " what the original does.",
    )
    sync_features: str = Field(
        "",
        description="Folder of the NAME.feat.h5 that the SyncNet hears (the published one: deepspeech); empty: what the"
        " generator hears.",
    )

"""Wav2Lip's three stages as tasks of the training loop: what is learnt from a batch, and how a validation judges it.

Source: color_syncnet_train.py, wav2lip_train.py and hq_wav2lip_train.py of Rudrabha/Wav2Lip. Where this differs from
them: batch norms of the frozen expert do not drift, the switch of the sync loss is kept in the checkpoint, and the
validation looks at the same windows every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import default_collate

from tk_tools.errors import ConfigError
from tk_tools.models.wav2lip.config import ExpertConfig, GanConfig, GeneratorConfig, Wav2LipConfig
from tk_tools.models.wav2lip.data import Clip, ExpertWindows, GeneratorWindows, inspect
from tk_tools.models.wav2lip.losses import (
    all_in_sync,
    cosine_bce,
    fake_loss,
    pairs_bce,
    picture_loss,
    real_loss,
    weighted,
)
from tk_tools.models.wav2lip.networks import Generator, QualityDiscriminator, make_expert
from tk_tools.models.wav2lip.pictures import draw_pictures
from tk_tools.models.wav2lip.published import load_discriminator, load_expert, load_generator
from tk_tools.models.wav2lip.samples import expert_faces, generator_faces, to_network
from tk_tools.models.wav2lip.warm_start import fit_output, warm_start
from tk_tools.nets.sync_expert import SyncExpert
from tk_tools.train.decay import decay, decaying
from tk_tools.train.means import Means
from tk_tools.train.task import Draw, Task, plain

if TYPE_CHECKING:
    from lightning_fabric import Fabric

GUESSING = 0.6931  # cross entropy of always saying 1/2
_NEAR_GUESSING = 0.03
_FITTED = 40  # items that the last layer of a warm start is fitted to


def adam(net: nn.Module, learning_rate: float, betas: tuple[float, float]) -> torch.optim.Adam:
    """Adam over all weights of a network, its update in one pass."""
    return torch.optim.Adam(net.parameters(), lr=learning_rate, betas=betas, fused=True)


class ClipTask(Task):
    """What the stages have in common: clips with enough usable windows."""

    @classmethod
    def inspect(cls, path: Path, config: Wav2LipConfig) -> Clip:
        return inspect(path, min_windows=config.min_windows)


class ExpertTask(ClipTask):
    """Stage expert: binary cross entropy of the cosine between the sound and five half faces."""

    main = "expert"
    watch = "loss"
    config: ExpertConfig

    def __init__(
        self,
        config: ExpertConfig,
        fabric: Fabric,
        train: Sequence[Clip],
        val: Sequence[Clip],
        needs: Mapping[str, Path],
    ):
        super().__init__(config, fabric, train, val, needs)
        self.train_data = ExpertWindows(train, config, others=len(val))
        self.val_data = ExpertWindows(val, config, fixed=True, others=len(train))
        net = load_expert(needs["init"]).train() if "init" in needs else make_expert(config.width)
        self.set_up(net)

    def set_up(self, net: SyncExpert) -> None:
        """Take the network, its optimiser and its schedule into training."""
        net = net.to(memory_format=torch.channels_last)
        optimizer = adam(net, self.config.learning_rate, betas=(self.config.beta1, self.config.beta2))
        self.expert, self.optimizer = self.fabric.setup(net, optimizer)
        self.modules = {"expert": self.expert}
        self.optimizers = {"expert": self.optimizer}
        self.schedulers = decaying(self.optimizer, self.config.decay, self.config.max_steps)

    def step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        if batch["mel"].shape[1] == 1:
            return self.learn(batch["mel"][:, 0], expert_faces(to_network(batch["faces"][:, 0])), batch["in_sync"])
        loss = pairs_bce(*self.embedded(batch))
        self.descend_and_decay(loss)
        return {"loss": loss.detach()}

    def learn(self, mel: Tensor, faces: Tensor, in_sync: Tensor) -> dict[str, Tensor]:
        """The original's update, on mel (B, 1, 80, 16), faces (B, 15, 48, 96) and in_sync (B,), 1 or 0."""
        audio, video = self.expert(mel, faces)
        loss = cosine_bce(audio, video, in_sync)
        self.descend_and_decay(loss)
        return {"loss": loss.detach()}

    def descend_and_decay(self, loss: Tensor) -> None:
        """One update on a scalar loss, and a step of the schedule."""
        self.descend(loss, self.expert, self.optimizer)
        decay(self)

    def embedded(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Sound and pictures of an item's K windows: (B, K, E) each."""
        shape = batch["mel"].shape[:2]
        faces = expert_faces(to_network(batch["faces"].flatten(end_dim=1)))
        audio, video = self.expert(batch["mel"].flatten(end_dim=1), faces)
        return audio.unflatten(0, shape), video.unflatten(0, shape)

    def validate(self, batches: Iterable[dict[str, Tensor]]) -> dict[str, float]:
        """loss, over own pictures and another window's as often; accuracy: how often the own fit the sound better."""
        self.expert.eval()
        means = Means(self.fabric)
        for batch in batches:
            audio, video = self.embedded(batch)
            own = functional.cosine_similarity(audio.float(), video.float(), dim=2)
            other = functional.cosine_similarity(audio.float(), video.float().flip(1), dim=2)
            means.add(loss=pairs_bce(audio, video), accuracy=(own > other).float().mean())
        return means.result()

    def advice(self, history: Sequence[Mapping[str, float]]) -> str | None:
        judged = [row for row in history if "val/loss" in row]
        if not judged or judged[-1]["step"] < self.config.stuck_after:
            return None
        if min(row["val/loss"] for row in judged) < GUESSING - _NEAR_GUESSING:
            return None
        return (
            f"the expert still guesses (loss {judged[-1]['val/loss']:.2f}) after {int(judged[-1]['step'])} steps. It"
            " may need more time (a day on real data); else look for sound that is off (tk-eval-lse: keep"
            " offsets within one frame), clips whose source was not at 25 frames/s, too few speakers, or try"
            " --set nearby_share=0.5 and a lower learning_rate"
        )


class GeneratorTask(ClipTask):
    """Stage generator: L1, and the frozen expert's judgement once a validation finds the sync loss low enough."""

    main = "generator"
    watch = "loss"
    config: GeneratorConfig

    def __init__(
        self,
        config: GeneratorConfig,
        fabric: Fabric,
        train: Sequence[Clip],
        val: Sequence[Clip],
        needs: Mapping[str, Path],
    ):
        super().__init__(config, fabric, train, val, needs)
        if config.single_frames and config.sync_weight:
            raise ConfigError("the expert judges five frames: with single_frames, set sync_weight=0")
        if "expert" not in needs:
            raise ConfigError("the generator learns from an expert: give --expert RUN or --expert lipsync_expert.pth")
        self.train_data = GeneratorWindows(train, config, others=len(val))
        self.val_data = GeneratorWindows(val, config, fixed=True, others=len(train))
        expert = load_expert(needs["expert"])
        if "init" in needs:
            generator = load_generator(needs["init"]).train()
        else:
            generator = Generator(config.width)
            if config.warm_start:
                warm_start(generator, expert)
                self._fit_output(generator)
        self.set_up(generator, expert)

    def _fit_output(self, generator: Generator) -> None:
        """The last step of a warm start, on a few items of the training data."""
        spread = np.linspace(0, len(self.train_data) - 1, num=min(len(self.train_data), _FITTED), dtype=int)
        batch = default_collate([self.train_data[Draw(int(index), self.config.seed + int(index))] for index in spread])
        faces, frame_mels, _, target = self.inputs(batch)  # a frame of each: its neighbours would tell little more
        fit_output(generator, frame_mels[:, 0], faces[:, :, 0], target[:, :, 0])

    def set_up(self, generator: Generator, expert: SyncExpert) -> None:
        """Take the generator into training, and the expert as its frozen judge."""
        config = self.config
        self.sync_on = config.sync_from_start
        self.expert = self.fabric.to_device(expert.to(memory_format=torch.channels_last)).requires_grad_(False)
        self.expert.train(config.expert_norm == "batch")
        for module in self.expert.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 0.0  # frozen: its running statistics stay as its training left them
        generator = generator.to(memory_format=torch.channels_last)
        optimizer = adam(generator, config.learning_rate, betas=(config.beta1, config.beta2))
        self.generator, self.optimizer = self.fabric.setup(generator, optimizer)
        self.modules = {"generator": self.generator}
        self.optimizers = {"generator": self.optimizer}
        self.schedulers = decaying(self.optimizer, config.decay, config.max_steps)

    def state(self) -> dict[str, Any]:
        return {"sync_on": self.sync_on}

    def load_state(self, state: dict[str, Any]) -> None:
        self.sync_on = state["sync_on"]

    @staticmethod
    def inputs(batch: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(B, 6, 5, 96, 96) faces, (B, 5, 1, 80, 16) and (B, 1, 80, 16) mels, (B, 3, 5, 96, 96) target."""
        target = to_network(batch["target"])
        faces = generator_faces(target, to_network(batch["reference"]))
        return faces, batch["frame_mels"], batch["mel"], target

    def step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return self.learn(*self.inputs(batch))

    def learn(self, faces: Tensor, frame_mels: Tensor, mel: Tensor, target: Tensor) -> dict[str, Tensor]:
        """One update; shapes as `inputs` gives them."""
        made = self.generator(frame_mels, faces)
        losses = self.judged(made, mel, target)
        self.descend(losses["loss"], self.generator, self.optimizer)
        decay(self)
        return {name: loss.detach() for name, loss in losses.items()}

    def judged(
        self,
        made: Tensor,
        mel: Tensor,
        target: Tensor,
        perceptual: Tensor | float = 0.0,
        perceptual_weight: float = 0.0,
    ) -> dict[str, Tensor]:
        """The generator's losses, scalars: made and target (B, 3, 5, 96, 96), mel (B, 1, 80, 16); sync 0 while off.

        perceptual: a discriminator's judgement, which enters the loss with perceptual_weight.
        """
        config = self.config
        sync_weight = config.sync_weight if self.sync_on else 0.0
        sync = self.sync(made, mel) if sync_weight else made.new_zeros(())
        picture = picture_loss(made, target, config.squared_error, config.mouth_weight)
        loss = weighted(picture, sync, sync_weight, perceptual, perceptual_weight)
        return {"loss": loss, "l1": picture_loss(made.detach(), target), "sync": sync}

    def sync(self, made: Tensor, mel: Tensor) -> Tensor:
        """The expert's loss, a scalar, on pictures (B, 3, 5, 96, 96) and their sound (B, 1, 80, 16)."""
        with self.judge(self.expert) as expert:
            embedded = expert(mel, expert_faces(made))
        return all_in_sync(*embedded)  # outside: autocast on a GPU refuses a cross entropy of probabilities

    def validate(self, batches: Iterable[dict[str, Tensor]]) -> dict[str, float]:
        """l1; sync, and sync_true of the real pictures; loss: the total with the sync loss on, so that runs compare."""
        for net in self.modules.values():
            net.eval()
        means = Means(self.fabric)
        for batch in batches:
            faces, frame_mels, mel, target = self.inputs(batch)
            made = self.generator(frame_mels, faces)
            means.add(**self.measured(made, mel, target))
        result = means.result()
        self.sync_on = self.sync_on or result["sync"] < self.config.sync_threshold
        return result

    def measured(self, made: Tensor, mel: Tensor, target: Tensor) -> dict[str, Tensor]:
        """The numbers of a validation on one batch, scalars; shapes as in `judged`."""
        l1, sync = picture_loss(made, target), self.sync(made, mel)
        loss = weighted(l1, sync, self.config.sync_weight)
        return {"loss": loss, "l1": l1, "sync": sync, "sync_true": self.sync(target, mel)}

    def draw_samples(self, folder: Path) -> None:
        draw_pictures(plain(self.generator), self.val_data, folder, device=self.fabric.device)

    def advice(self, history: Sequence[Mapping[str, float]]) -> str | None:
        if not self.config.sync_weight:
            return None
        judged = [row for row in history if "val/sync_true" in row]
        if judged and judged[-1]["val/sync_true"] > GUESSING:
            return (
                f"the expert does not find the real pictures in sync (loss {judged[-1]['val/sync_true']:.2f}): it was"
                " not trained for such clips, or their sound is shifted. Train it on them, or ask tk-eval-lse"
            )
        if len(judged) >= 10 and not self.sync_on:
            return (
                f"the sync loss is not under {self.config.sync_threshold:g} after 10 validations: the generator still"
                " learns from the pictures alone. Train the expert longer, or --set sync_from_start=true"
            )
        return None


class GanTask(GeneratorTask):
    """Stage gan: as generator, and against a discriminator that learns to tell real lower halves from made ones."""

    config: GanConfig

    def __init__(
        self,
        config: GanConfig,
        fabric: Fabric,
        train: Sequence[Clip],
        val: Sequence[Clip],
        needs: Mapping[str, Path],
    ):
        super().__init__(config, fabric, train, val, needs)
        known = config.discriminator
        self.set_up_discriminator(load_discriminator(known).train() if known else QualityDiscriminator(config.width))

    def set_up_discriminator(self, net: QualityDiscriminator) -> None:
        """Take the discriminator into training."""
        config = self.config
        net = net.to(memory_format=torch.channels_last)
        optimizer = adam(net, config.discriminator_learning_rate, betas=(config.beta1, config.beta2))
        self.discriminator, self.discriminator_optimizer = self.fabric.setup(net, optimizer)
        self.modules["discriminator"] = self.discriminator
        self.optimizers["discriminator"] = self.discriminator_optimizer
        schedules = decaying(self.discriminator_optimizer, config.decay, config.max_steps)
        self.schedulers |= {f"discriminator_{name}": schedule for name, schedule in schedules.items()}

    def learn(self, faces: Tensor, frame_mels: Tensor, mel: Tensor, target: Tensor) -> dict[str, Tensor]:
        """The generator's update, then the discriminator's on the pictures from before it; shapes as `inputs`."""
        made = self.generator(frame_mels, faces)
        losses = self.judged(made, mel, target)
        self.descend(losses["loss"], self.generator, self.optimizer)
        real, fake = self.told_apart(made.detach(), target)
        self.descend(real + fake, self.discriminator, self.discriminator_optimizer)
        decay(self)
        losses |= {"real": real, "fake": fake}
        return {name: loss.detach() for name, loss in losses.items()}

    def judged(self, made: Tensor, mel: Tensor, target: Tensor) -> dict[str, Tensor]:
        perceptual = self.perceptual(made)
        losses = super().judged(made, mel, target, perceptual, self.config.perceptual_weight)
        return losses | {"perceptual": perceptual}

    def perceptual(self, made: Tensor) -> Tensor:
        """How far the discriminator is from calling (B, 3, 5, 96, 96) pictures real, a scalar."""
        with self.judge(self.discriminator) as discriminator:
            return real_loss(discriminator(made))

    def told_apart(self, made: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """The discriminator's losses, scalars, on real and on made (B, 3, 5, 96, 96) pictures, in one pass."""
        halves = torch.cat([target, made.to(target.dtype)])
        logits = self.discriminator(halves).view(-1, len(halves))  # (T, 2 B)
        real, fake = logits.split(len(target), dim=1)
        return real_loss(real), fake_loss(fake)

    def measured(self, made: Tensor, mel: Tensor, target: Tensor) -> dict[str, Tensor]:
        losses, config = super().measured(made, mel, target), self.config
        perceptual = self.perceptual(made)
        real, fake = self.told_apart(made, target)
        total = weighted(losses["l1"], losses["sync"], config.sync_weight, perceptual, config.perceptual_weight)
        return losses | {"loss": total, "perceptual": perceptual, "real": real, "fake": fake}

    def advice(self, history: Sequence[Mapping[str, float]]) -> str | None:
        judged = [row for row in history if "val/fake" in row]
        if judged and judged[-1]["val/fake"] > 20:
            return (
                f"the discriminator has collapsed (fake {judged[-1]['val/fake']:.0f}): it calls all real. Go back to an"
                " earlier checkpoint, or train the generator longer before this stage"
            )
        return super().advice(history)

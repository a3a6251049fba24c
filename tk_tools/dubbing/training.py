"""The stages that repaint mouths as tasks of the training loop: single frames from coarse to fine, then five at a time.

A system adds its generator, its mask and its optimiser (models/lawdnet/training.py, models/dinet/training.py).
Source: train_DINet_frame.py and train_DINet_clip.py of MRzzm/DINet, train_LawDNet_*_distributed.py of
iPaw-AI-LAB/LawDNet_2024. Where this differs from them: the discriminators do not send gradients into the generator for
their own loss, which changes no number; there is a validation, on the same frames every time.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import default_collate

from tk_tools.dubbing import data
from tk_tools.dubbing.config import ClipConfig, DubbingConfig, FrameConfig
from tk_tools.dubbing.data import FRAMES, Clip, ClipItems, FrameItems
from tk_tools.dubbing.judge import Judge, load_judge, read_scores, sync_scores
from tk_tools.dubbing.learning_rate import rate_factor
from tk_tools.dubbing.losses import discriminator_loss, gan_loss, picture_loss, sync_loss
from tk_tools.dubbing.masks import crop_size, mouth_square
from tk_tools.dubbing.perception import check_perception, make_perception
from tk_tools.dubbing.published import CLIP_JUDGE, FRAME_JUDGE, load_discriminator
from tk_tools.dubbing.samples import as_clips, stacked, time_first, to_network, write_rows
from tk_tools.errors import ConfigError, WeightsError
from tk_tools.files.face_file import FaceFile
from tk_tools.nets.dinet_discriminator import Discriminator
from tk_tools.train.decay import decay
from tk_tools.train.means import Means
from tk_tools.train.task import Draw, Task, plain

if TYPE_CHECKING:
    from lightning_fabric import Fabric

SAMPLES = 6  # rows of the sample picture
_LAST_ROWS = 20  # of metrics.csv, by which swings are told
_CLEARLY = 1.2
_SWINGS = 0.5  # deviation of the sync loss over its mean


class DubbingTask(Task):
    """What all stages have in common: crops with the features of the same clip."""

    config: DubbingConfig

    @classmethod
    def inspect(cls, path: Path, beside: Path, config: DubbingConfig) -> Clip:
        return data.inspect(path, beside, config)

    @classmethod
    def why_alone(cls, path: Path) -> str | None:
        with FaceFile(path) as file:
            return None if file.has_sound else "has no sound, so there is nothing to learn from it"

    @classmethod
    def holds_out_parts(cls, config: DubbingConfig) -> bool:
        return config.held_out_share > 0

    @classmethod
    def unfit(cls, clips: Mapping[Path, Clip], config: DubbingConfig) -> dict[Path, str]:
        return data.unfit(clips)

    @staticmethod
    def trained(net: nn.Module) -> list[nn.Parameter]:
        """The weights that learn; a published network has others that nothing depends on."""
        return [parameter for parameter in net.parameters() if parameter.requires_grad]


class FrameTask(DubbingTask):
    """A frame stage: likeness, a discriminator of single frames and, where a system has it, the squared error."""

    main = "generator"
    watch = "mouth_l1"
    config: FrameConfig
    items: ClassVar[type[FrameItems | ClipItems]] = FrameItems

    optimizer_kind: ClassVar[Callable[..., torch.optim.Optimizer]]
    """Adam or AdamW, with their own defaults beside the step size."""
    mask: ClassVar[Callable[[int, int], np.ndarray]]
    """(height, width) -> what a source is multiplied by, (height, width) float32."""

    @classmethod
    def check(cls, config: FrameConfig) -> None:
        if config.perception_weight:
            check_perception(config.perception)

    def __init__(
        self,
        config: FrameConfig,
        fabric: Fabric,
        train: Sequence[Clip],
        val: Sequence[Clip],
        needs: Mapping[str, Path],
    ):
        super().__init__(config, fabric, train, val, needs)
        self.train_data = self.items(train, config, others=len(val))
        self.val_data = self.items(val, config, fixed=True, others=len(train))
        self.from_nothing = "init" not in needs
        if self.from_nothing:
            generator = self.new_generator(train[0].channels)
        else:
            generator = self.given_generator(needs["init"], train[0].channels)
        perception = make_perception(config.perception) if config.perception_weight else None
        self.set_up(generator, self.first_discriminator(FRAME_JUDGE, 3), perception)

    def new_generator(self, audio_channels: int) -> nn.Module:
        """A generator with new weights, of the config's sizes."""
        raise NotImplementedError

    def load_generator(self, path: Path) -> tuple[nn.Module, Mapping[str, Any]]:
        """The generator in a file of weights, and what is known of it (train/run_folder.py, read_weights)."""
        raise NotImplementedError

    def given_generator(self, path: Path, audio_channels: int) -> nn.Module:
        """The generator to begin with. ConfigError: it was trained on other features than lie beside the crops."""
        generator, about = self.load_generator(path)
        theirs = about.get("settings", {}).get("features", self.config.features)
        if theirs != self.config.features or generator.config.audio_channels != audio_channels:
            raise ConfigError(
                f"{path} was trained on features of {theirs}, {generator.config.audio_channels} channels; beside the"
                f" crops lie those of {self.config.features}, {audio_channels}: make them anew with tk-feat"
            )
        return generator.train()

    def first_discriminator(self, part: str, channels: int) -> Discriminator:
        """A new one, or that of config.discriminators. WeightsError: the file has none for so many channels."""
        known = self.config.discriminators
        if not known:
            return Discriminator(channels, self.config.width)
        net = load_discriminator(known, part)
        if net.channels != channels:
            raise WeightsError(f"judges {net.channels // 3} frames at a time, not {channels // 3}", path=known)
        return net.train()

    def set_up(self, generator: nn.Module, discriminator: Discriminator, perception: nn.Module | None) -> None:
        """Take generator and discriminator into training; perception: distance of made and real pictures, None where
        it has no weight."""
        self.perception = perception and self.fabric.to_device(perception.to(memory_format=torch.channels_last))
        height, width = crop_size(self.config.mouth_size)
        self.hole = self.fabric.to_device(torch.tensor(type(self).mask(height, width)))
        self.square = mouth_square(self.config.mouth_size)
        if self.fabric.device.type == "cuda" and self.fabric.world_size > 1:
            generator = nn.SyncBatchNorm.convert_sync_batchnorm(generator)
        self.generator = self.take("generator", generator, self.config.learning_rate)
        self.discriminator = self.take("discriminator", discriminator, self.config.discriminator_learning_rate)

    def take(self, name: str, net: nn.Module, learning_rate: float) -> nn.Module:
        """A network with its optimiser and schedule into training, under one name; gives it as it is to be called."""
        net = net.to(memory_format=torch.channels_last)
        optimizer = type(self).optimizer_kind(self.trained(net), lr=learning_rate, fused=True)
        net, optimizer = self.fabric.setup(net, optimizer)
        self.modules[name], self.optimizers[name] = net, optimizer
        self.schedulers[name] = LambdaLR(optimizer, self.rate)
        return net

    def rate(self, step: int) -> float:
        """The learning rates of a step as a share of the first."""
        config = self.config
        epoch = config.epoch(len(self.train_data) // config.augment_num, self.fabric.world_size)
        return rate_factor(int(step / epoch), config.non_decay, config.decay)

    def step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return self.learn(*self.inputs(batch))

    def inputs(self, batch: dict[str, Tensor]) -> tuple[Tensor, ...]:
        """Real pictures (B, 3, h, w) and references (B, 15, h, w) in 0..1, audio (B, channels, 5)."""
        return to_network(batch["source"]), stacked(to_network(batch["references"])), batch["audio"]

    def learn(self, real: Tensor, references: Tensor, audio: Tensor, *heard: Tensor) -> dict[str, Tensor]:
        """One update, the discriminators before the generator; shapes as `inputs` gives them."""
        made = self.generator(real * self.hole, audio, references)
        losses = {}
        for name, net, given in self.discriminators():
            losses[name] = self.told_apart(net, given(made.detach()), given(real))
            self.descend(losses[name], net, self.optimizers[name])
        judged = self.judged(made, real, *heard)
        self.descend(judged["loss"], self.generator, self.optimizers["generator"])
        decay(self)
        return {name: loss.detach() for name, loss in (judged | losses).items()}

    def discriminators(self) -> list[tuple[str, nn.Module, Callable[[Tensor], Tensor]]]:
        """Name, network, and how pictures (B, 3, h, w) become what it looks at."""
        return [("discriminator", self.discriminator, lambda pictures: pictures)]

    def told_apart(self, net: nn.Module, made: Tensor, real: Tensor) -> Tensor:
        """A discriminator's loss, a scalar, on made and real pictures alike in shape, in one pass."""
        scores = net(torch.cat([made.to(real.dtype), real]))
        return discriminator_loss(*scores.chunk(2))

    def fooled(self, net: nn.Module, made: Tensor) -> Tensor:
        """How far a discriminator is from calling made pictures real, a scalar."""
        with self.judge(net) as discriminator:
            return gan_loss(discriminator(made), real=True)

    def judged(self, made: Tensor, real: Tensor, *heard: Tensor) -> dict[str, Tensor]:
        """The generator's losses, scalars without their weights, and `loss`, their weighted sum."""
        config = self.config
        gan = self.fooled(self.discriminator, made)
        picture = picture_loss(made, real)
        perception = self.unlikeness(made, real)
        loss = config.perception_weight * perception + config.gan_weight * gan + config.picture_weight * picture
        return {"loss": loss, "perception": perception, "picture": picture, "gan": gan}

    def unlikeness(self, made: Tensor, real: Tensor) -> Tensor:
        """How far made pictures are from real ones by VGG19 or the pixels, a scalar."""
        if self.perception is None:
            return made.new_zeros(())
        with self.judge(self.perception) as distance:
            return distance(made, real)

    def validate(self, batches: Iterable[dict[str, Tensor]]) -> dict[str, float]:
        """mouth_l1: mean absolute difference in the mouth's square, of 0..1; the losses as in training."""
        for net in self.modules.values():
            net.eval()
        means = Means(self.fabric)
        for batch in batches:
            real, references, audio, *heard = self.inputs(batch)
            made = self.generator(real * self.hole, audio, references)
            rows, columns = self.square
            mouth = functional.l1_loss(made[..., rows, columns].float(), real[..., rows, columns])
            means.add(mouth_l1=mouth, **self.measured(made, real, *heard))
        return means.result()

    def measured(self, made: Tensor, real: Tensor, *heard: Tensor) -> dict[str, Tensor]:
        """The further numbers of a validation on one batch, scalars."""
        told = {name: self.told_apart(net, given(made), given(real)) for name, net, given in self.discriminators()}
        return self.judged(made, real, *heard) | told

    def draw_samples(self, folder: Path) -> None:
        """mouths.png: masked, made and real pictures of a few items side by side."""
        generator = plain(self.generator).eval()
        count = min(SAMPLES, len(self.val_data))
        spread = np.linspace(0, len(self.val_data) - 1, count).astype(int)
        batch = default_collate([self.val_data[Draw(int(index), seed=0)] for index in spread])
        real, references, audio, *_ = (given[:count] for given in self.inputs(self.fabric.to_device(batch)))
        with self.fabric.autocast():
            made = generator(real * self.hole, audio, references)
        write_rows(folder / "mouths.png", real * self.hole, made, real)

    def advice(self, history: Sequence[Mapping[str, float]]) -> str | None:
        if self.from_nothing and self.config.mouth_size > 64:
            return (
                f"this stage began from nothing at a mouth of {self.config.mouth_size} pixels: such a training gives"
                " blurred mouths. Train the coarser stages before it (without --stage), or give --init"
            )
        return None


class ClipTask(FrameTask):
    """The clip stage: also a discriminator of five frames, and a frozen SyncNet."""

    config: ClipConfig
    items = ClipItems

    def __init__(
        self,
        config: ClipConfig,
        fabric: Fabric,
        train: Sequence[Clip],
        val: Sequence[Clip],
        needs: Mapping[str, Path],
    ):
        super().__init__(config, fabric, train, val, needs)
        if config.sync_weight and "sync" not in needs:
            raise ConfigError("the mouths are judged by a SyncNet: give --sync RUN or --sync syncnet_256mouth.pth")
        self.set_up_clips(self.first_discriminator(CLIP_JUDGE, 3 * FRAMES), self._sync_net(needs, train[0]))

    def _sync_net(self, needs: Mapping[str, Path], clip: Clip) -> Judge | None:
        if not self.config.sync_weight:
            return None
        known = load_judge(needs["sync"])
        if known.features != clip.sync_model or known.net.audio_channels != clip.sync_channels:
            raise ConfigError(
                f"{needs['sync']} hears features of {known.features}, {known.net.audio_channels} channels, and is given"
                f" those of {clip.sync_model}, {clip.sync_channels}: name the folder of the right ones by --set"
                " sync_features=FOLDER, or train a SyncNet on these (--stage sync)"
            )
        return known

    def set_up_clips(self, discriminator: Discriminator, sync: Judge | None) -> None:
        """Take the discriminator of five frames into training, and the SyncNet as a frozen judge."""
        rate = self.config.discriminator_learning_rate
        self.clip_discriminator = self.take("clip_discriminator", discriminator, rate)
        self.sync = sync
        if sync is not None:
            self.sync_net = self.fabric.to_device(sync.net.to(memory_format=torch.channels_last)).requires_grad_(False)

    def inputs(self, batch: dict[str, Tensor]) -> tuple[Tensor, ...]:
        """As of frames, (5 B, ...) and time first; and what the SyncNet hears, (B, channels, 9)."""
        real, references = (time_first(to_network(batch[name])) for name in ("source", "references"))
        return real, stacked(references), time_first(batch["audio"]), batch["sync_audio"]

    def discriminators(self) -> list[tuple[str, nn.Module, Callable[[Tensor], Tensor]]]:
        def five(pictures: Tensor) -> Tensor:
            return as_clips(pictures, FRAMES)

        return [*super().discriminators(), ("clip_discriminator", self.clip_discriminator, five)]

    def judged(self, made: Tensor, real: Tensor, heard: Tensor) -> dict[str, Tensor]:
        config = self.config
        losses = super().judged(made, real)
        clips = as_clips(made, FRAMES)
        losses["gan_clip"] = self.fooled(self.clip_discriminator, clips)
        losses["loss"] = losses["loss"] + config.gan_clip_weight * losses["gan_clip"]
        if self.sync is not None:
            scores = self.scores(clips, heard)
            losses["sync_score"] = scores.mean()
            losses["sync"] = sync_loss(read_scores(scores, self.sync.squashed, config.sync_clamp))
            losses["loss"] = losses["loss"] + config.sync_weight * losses["sync"]
        return losses

    def scores(self, clips: Tensor, heard: Tensor) -> Tensor:
        """The SyncNet's scores of crops (B, 15, h, w) with their sound (B, channels, 9)."""
        with self.judge(self.sync_net) as net:
            return sync_scores(net, clips, heard, self.square, self.sync.mouth_size)

    def measured(self, made: Tensor, real: Tensor, heard: Tensor) -> dict[str, Tensor]:
        """Also sync_true, the sync loss of the real pictures."""
        losses = super().measured(made, real, heard)
        if self.sync is not None:
            scores = read_scores(self.scores(as_clips(real, FRAMES), heard), self.sync.squashed, self.config.sync_clamp)
            losses["sync_true"] = sync_loss(scores)
        return losses

    def advice(self, history: Sequence[Mapping[str, float]]) -> str | None:
        rows = [row["train/sync"] for row in history if "train/sync" in row][-_LAST_ROWS:]
        if len(rows) == _LAST_ROWS and statistics.pstdev(rows) > _SWINGS * statistics.mean(rows):
            return (
                "the sync loss swings: its score has no bounds. --set sync_clamp=true bounds it, --set accumulate=8"
                " averages over more clips, and a SyncNet trained with learning_rate 1e-5 or loss=bce is calmer"
            )
        judged = [row for row in history if "val/sync_true" in row]
        if judged and judged[-1]["val/sync_true"] > _CLEARLY * judged[-1]["val/sync"]:
            return (
                f"the SyncNet finds made mouths (loss {judged[-1]['val/sync']:.3f}) better in sync than real ones"
                f" ({judged[-1]['val/sync_true']:.3f}): it has nothing more to teach, or the clips' sound is shifted;"
                " tk-eval-lse tells"
            )
        return super().advice(history)

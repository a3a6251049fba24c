"""HiFi-GAN's two stages as tasks of the training loop: what is learnt from a batch, and how a validation judges it.

Source: train.py of jik876/hifi-gan. Where this differs from it: a validation judges the middle of long clips, and what
is behind the end of a short mel is the mel of silence (the original's zeros are a loud noise).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.parametrize import cached
from torch.optim.lr_scheduler import LambdaLR

from tk_tools.audio.log_mel import LogMel
from tk_tools.audio.mel_presets import DIFFVC
from tk_tools.audio.vocoder import load_generator
from tk_tools.errors import ConfigError
from tk_tools.files.wav import write_wav
from tk_tools.models.hifigan.config import FinetuneConfig, HiFiGANConfig, VocoderConfig
from tk_tools.models.hifigan.data import RATE, Clip, Segments, Utterances, inspect_pair, inspect_sound
from tk_tools.models.hifigan.networks import Discriminators
from tk_tools.models.hifigan.published import load_discriminators
from tk_tools.nets.adversarial import adversarial_loss, feature_loss, told_apart_loss
from tk_tools.nets.hifigan import HiFiGAN
from tk_tools.train.means import Means
from tk_tools.train.task import Draw, Task, plain

if TYPE_CHECKING:
    from lightning_fabric import Fabric

SAMPLES = 4  # sounds drawn at a validation
_SLOW = 0.01  # of the learning rate: from here on nothing is learnt any more

# The loss hears all there is, the generator's mel does not.
JUDGED = replace(DIFFVC, name="hifigan loss", fmax=RATE / 2)


class HiFiGANTask(Task):
    """What both stages have in common; they differ in the mel that the generator is given."""

    main = "generator"
    watch = "mel"
    config: HiFiGANConfig
    peak = 0.0

    def __init__(
        self,
        config: HiFiGANConfig,
        fabric: Fabric,
        train: Sequence[Clip],
        val: Sequence[Clip],
        needs: Mapping[str, Path],
    ):
        super().__init__(config, fabric, train, val, needs)
        self.train_data = Segments(train, config, peak=self.peak, others=len(val))
        self.val_data = Utterances(val, config, peak=self.peak, others=len(train))
        generator = self._start(needs["init"]) if "init" in needs else HiFiGAN(config.sizes())
        known = config.discriminators
        self.set_up(generator, load_discriminators(known) if known else Discriminators(config.discriminator_width))

    def _start(self, weights: Path) -> HiFiGAN:
        """The generator of given weights. ConfigError: of the sizes that no weights tell, the config has others: it
        goes into the header of what is handed on."""
        generator = load_generator(weights).train()
        theirs = {name: list(getattr(generator.config, name)) for name in ("rates", "dilations")}
        if theirs != {name: list(getattr(self.config, name)) for name in theirs}:
            values = " ".join(f"--set {name}=[{','.join(map(str, value))}]" for name, value in theirs.items())
            raise ConfigError(f"{weights} is a generator of other rates or dilations: say {values}, or its --preset")
        return generator

    def set_up(self, generator: HiFiGAN, discriminators: Discriminators) -> None:
        """Take the networks, their optimisers and schedules into training."""
        fabric = self.fabric
        self.heard, self.judged = (fabric.to_device(LogMel(preset)) for preset in (DIFFVC, JUDGED))
        self.generator, self.optimizer = fabric.setup(generator, self._adam(generator))
        self.discriminators, self.discriminator_optimizer = fabric.setup(discriminators, self._adam(discriminators))
        self.modules = {"generator": self.generator, "discriminators": self.discriminators}
        self.optimizers = {"generator": self.optimizer, "discriminators": self.discriminator_optimizer}
        joining = self.config.adversarial_from
        self.schedulers = {
            "generator": LambdaLR(self.optimizer, self._rate),
            "discriminators": LambdaLR(self.discriminator_optimizer, lambda step: self._rate(joining + step)),
        }

    def _adam(self, net: torch.nn.Module) -> torch.optim.AdamW:
        config = self.config
        return torch.optim.AdamW(net.parameters(), config.learning_rate, (config.beta1, config.beta2), fused=True)

    def _rate(self, step: int) -> float:
        """The learning rate of a step as a share of the first one."""
        return self.config.decay ** (step // self.config.decay_every if self.config.decay_every else self._epoch(step))

    def _epoch(self, step: int) -> int:
        config = self.config
        return step * config.batch_size * config.accumulate * self.fabric.world_size // len(self.train_data)

    def mel(self, batch: Mapping[str, Tensor]) -> Tensor:
        """What the generator is given for a batch: (B, 80, frames)."""
        raise NotImplementedError

    def step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return self.learn(self.mel(batch), batch["wave"])

    def learn(self, mel: Tensor, wave: Tensor) -> dict[str, Tensor]:
        """The discriminators' update, then the generator's: mel (B, 80, T), wave (B, 256 T)."""
        made = self.generator(mel)
        true = wave[:, None]
        told_apart = adversarial = features = made.new_zeros(())
        joined = self.steps >= self.config.adversarial_from
        if joined:
            told_apart = told_apart_loss(*self.discriminators(true, made.detach()))
            self.descend(told_apart, self.discriminators, self.discriminator_optimizer)
            adversarial, features = self.judgement(made, true)
        distance = self.mel_distance(made[:, 0], true[:, 0])
        total = adversarial + features + self.config.mel_weight * distance
        self.descend(total, self.generator, self.optimizer)
        if self.last_part:
            for name in ("generator", "discriminators")[: 1 + joined]:
                self.schedulers[name].step()
        losses = {
            "loss": total,
            "mel": distance,
            "adversarial": adversarial,
            "features": features,
            "discriminators": told_apart,
        }
        return {name: loss.detach() for name, loss in losses.items()}

    @property
    def steps(self) -> int:
        """Steps that are complete."""
        return self.schedulers["generator"].last_epoch

    def judgement(self, made: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
        """The generator's losses by the discriminators, scalars, of waves (B, 1, N) each: adversarial, features."""
        with self.judge(self.discriminators) as discriminators, cached():
            with torch.no_grad():
                (real,) = discriminators(true)
            (fake,) = discriminators(made)
        return adversarial_loss(fake), feature_loss(real, fake)

    def mel_distance(self, made: Tensor, true: Tensor) -> Tensor:
        """Mean absolute difference of the log-mels up to 11025 Hz, a scalar, of waves (B, N)."""
        return functional.l1_loss(self.judged(made.float()), self.judged(true))

    def validate(self, batches: Iterable[dict[str, Tensor]]) -> dict[str, float]:
        """mel: mean absolute difference of the log-mels, of each clip by itself."""
        self.generator.eval()
        means = Means(self.fabric)
        for batch in batches:
            for mel, wave in self.clips_of(batch):
                means.add(mel=self.mel_distance(self.generator(mel)[:, 0], wave))
        return means.result()

    def clips_of(self, batch: dict[str, Tensor]) -> Iterable[tuple[Tensor, Tensor]]:
        """Mel (1, 80, T) and wave (1, 256 T) of each clip of a validation batch, as long as it is."""
        for item, samples in enumerate(batch["samples"].tolist()):
            one = {"wave": batch["wave"][item : item + 1, :samples]}
            if "mel" in batch:
                one["mel"] = batch["mel"][item : item + 1, :, : samples // DIFFVC.hop_length]
            yield self.mel(one), one["wave"]

    @torch.no_grad()
    def draw_samples(self, folder: Path) -> None:
        """N_NAME.made.wav and N_NAME.true.wav of a few clips."""
        generator = plain(self.generator)
        generator.eval()
        for number in range(min(SAMPLES, len(self.val_data))):
            item = {name: value[None] for name, value in self.val_data[Draw(number, seed=0)].items()}
            name = f"{number + 1}_{self.val_data.clips[number].path.name.partition('.')[0]}"
            for mel, wave in self.clips_of(self.fabric.to_device(item)):
                for kind, sound in (("true", wave), ("made", generator(mel)[:, 0].float())):
                    write_wav(folder / f"{name}.{kind}.wav", [sound[0].cpu().numpy()], rate=RATE)

    def advice(self, history: Sequence[Mapping[str, float]]) -> str | None:
        step = int(history[-1]["step"])
        if self._rate(step) < _SLOW and step < self.config.max_steps / 2 and not self.config.decay_every:
            return (
                f"the learning rate has fallen to {100 * self._rate(step):.2g} % of its start after {self._epoch(step)}"
                " epochs of few clips, and little is learnt from here on: begin again with --set decay_every=809, as"
                " many steps as an epoch of the original had"
            )
        return None


class VocoderTask(HiFiGANTask):
    """Stage vocoder: the mel is the sound's own."""

    config: VocoderConfig

    @classmethod
    def inspect(cls, path: Path, config: VocoderConfig) -> Clip:
        return inspect_sound(path, config)

    @property
    def peak(self) -> float:
        """What each clip is brought to."""
        return self.config.peak

    def mel(self, batch: Mapping[str, Tensor]) -> Tensor:
        return self.heard(batch["wave"])


class FinetuneTask(HiFiGANTask):
    """Stage finetune: the mel is another system's, and the sound is left as loud as it is."""

    config: FinetuneConfig

    @classmethod
    def inspect(cls, path: Path, sound: Path, config: FinetuneConfig) -> Clip:
        return inspect_pair(path, sound, config)

    def mel(self, batch: Mapping[str, Tensor]) -> Tensor:
        return batch["mel"]

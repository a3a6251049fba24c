"""DiffVC's two stages as tasks of the training loop: what is learnt from a batch, and how a validation judges it.

Source: train_enc.py and train_dec.py of huawei-noah/Speech-Backbones, DiffVC. Where this differs from them: there is a
validation loss, on the same crops, noise and times every time; crops may begin at the last possible frame; a batch goes
through the score network in parts, which changes no gradient.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from tk_tools.errors import ConfigError
from tk_tools.models.diffvc.average_voice import AverageVoice, AverageVoiceConfig
from tk_tools.models.diffvc.config import DecoderConfig, DiffVCConfig, EncoderConfig
from tk_tools.models.diffvc.data import Clip, DecoderCrops, EncoderCrops, inspect
from tk_tools.models.diffvc.diffusion import EARLIEST, draw_times
from tk_tools.models.diffvc.networks import DiffVC, frame_mask
from tk_tools.models.diffvc.published import load_average_voice, load_diffvc
from tk_tools.models.diffvc.samples import write_averages, write_voice
from tk_tools.models.diffvc.score import ScoreConfig
from tk_tools.train.decay import decay, decaying
from tk_tools.train.means import Means
from tk_tools.train.task import Task, plain

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def masked_error(made: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error, a scalar, of mels (B, 80, T) over the frames of the mask (B, 1, T)."""
    return (mask * (made - target) ** 2).sum() / (mask.sum() * made.shape[1])


def adam(parameters: Iterable[nn.Parameter], learning_rate: float) -> torch.optim.Adam:
    """Adam with its own defaults, its update in one pass."""
    return torch.optim.Adam(parameters, lr=learning_rate, fused=True)


class _SpeechTask(Task):
    """What both stages have in common: mels with a file beside each, and speakers with enough of them."""

    @classmethod
    def inspect(cls, path: Path, *beside: Path, config: DiffVCConfig) -> Clip:
        return inspect(path, *beside, min_frames=config.min_frames)

    @classmethod
    def unfit(cls, clips: Mapping[Path, Clip], config: DiffVCConfig) -> dict[Path, str]:
        counts = Counter(clip.speaker for clip in clips.values())
        return {
            path: f"speaker {clip.speaker}: {counts[clip.speaker]} clips, fewer than"
            f" min_utterances={config.min_utterances}"
            for path, clip in clips.items()
            if counts[clip.speaker] < config.min_utterances
        }

    def mask(self, batch: dict[str, Tensor]) -> Tensor:
        """(B, 1, crop_frames): 1 where a crop is no padding."""
        return frame_mask(batch["frames"], batch["mel"].shape[-1])


class EncoderTask(_SpeechTask):
    """Stage encoder: squared error to the average voice's mel."""

    main = "encoder"
    config: EncoderConfig

    def __init__(
        self,
        config: EncoderConfig,
        fabric: Fabric,
        train: Sequence[Clip],
        val: Sequence[Clip],
        needs: Mapping[str, Path],
    ):
        super().__init__(config, fabric, train, val, needs)
        self.train_data = EncoderCrops(train, config)
        self.val_data = EncoderCrops(val, config, fixed=True)
        if "init" in needs:
            net = load_average_voice(needs["init"])
        else:
            if config.network.channels % config.network.heads:
                raise ConfigError("network.heads must divide network.channels")
            net = AverageVoice(AverageVoiceConfig(**config.network.model_dump()))
        net.set_dropout(config.prenet_dropout, config.dropout)
        self.set_up(net.train())

    def set_up(self, net: AverageVoice) -> None:
        """Take the network and its optimiser into training."""
        self.encoder, self.optimizer = self.fabric.setup(net, adam(net.parameters(), self.config.learning_rate))
        self.modules = {"encoder": self.encoder}
        self.optimizers = {"encoder": self.optimizer}
        self.schedulers = decaying(self.optimizer, self.config.decay, self.config.max_steps)

    def step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"loss": self.learn(batch["mel"], batch["average"], self.mask(batch))}

    def learn(self, mel: Tensor, average: Tensor, mask: Tensor) -> Tensor:
        """One update on mels (B, 80, T) and their average voice's; gives the loss."""
        loss = masked_error(self.encoder(mel, mask), average, mask)
        self.fabric.backward(loss / self.config.accumulate)
        self.update(self.encoder, self.optimizer, self.config.clip_norm)
        decay(self)
        return loss.detach()

    def validate(self, batches: Iterable[dict[str, Tensor]]) -> dict[str, float]:
        """loss, without dropout; copy: that of leaving the mel as it is, which the encoder is to be well below."""
        self.encoder.eval()
        means = Means(self.fabric)
        for batch in batches:
            mask = self.mask(batch)
            made = self.encoder(batch["mel"], mask)
            means.add(
                loss=masked_error(made, batch["average"], mask),
                copy=masked_error(batch["mel"], batch["average"], mask),
            )
        return means.result()

    def draw_samples(self, folder: Path) -> None:
        write_averages(plain(self.encoder), self.val_data.clips[0], folder, self.fabric.device)


class DecoderTask(_SpeechTask):
    """Stage decoder: the score of noisy mels, with the frozen encoder's average voices around which the noise lies."""

    main = "diffvc"
    config: DecoderConfig

    def __init__(
        self,
        config: DecoderConfig,
        fabric: Fabric,
        train: Sequence[Clip],
        val: Sequence[Clip],
        needs: Mapping[str, Path],
    ):
        super().__init__(config, fabric, train, val, needs)
        self.train_data = DecoderCrops(train, config)
        self.val_data = DecoderCrops(val, config, fixed=True)
        encoder = load_average_voice(needs["encoder"])
        if "init" in needs:
            net = load_diffvc(needs["init"])
        else:
            net = DiffVC(encoder.config, ScoreConfig(**config.network.model_dump()))
        net.encoder = encoder
        self.set_up(net.train())

    def set_up(self, net: DiffVC) -> None:
        """Take the decoder and its optimiser into training; the encoder is frozen.

        It keeps its dropout, as in the original: the decoder is to cope with average voices that are not perfect.
        """
        net.encoder.requires_grad_(False)
        net.decoder.to(memory_format=torch.channels_last)
        optimizer = adam(net.decoder.parameters(), self.config.learning_rate)
        self.diffvc, self.optimizer = self.fabric.setup(net, optimizer)
        self.modules = {"diffvc": self.diffvc}
        self.optimizers = {"diffvc": self.optimizer}
        self.schedulers = decaying(self.optimizer, self.config.decay, self.config.max_steps)

    def step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        mel = batch["mel"]
        times = draw_times(len(mel), device=mel.device)
        noise = torch.randn_like(mel)
        return {
            "loss": self.learn(mel, batch["reference"], batch["embedding"], self.mask(batch), times, noise),
        }

    def learn(
        self, mel: Tensor, reference: Tensor, embedding: Tensor, mask: Tensor, times: Tensor, noise: Tensor
    ) -> Tensor:
        """One update on mels and references (B, 80, T) of embeddings (B, 256), at times (B,); gives the loss."""
        given = (mel, reference, embedding, mask, times, noise)
        parts = list(zip(*(tensor.split(self.config.crops_at_once) for tensor in given), strict=True))
        total = torch.zeros((), device=mel.device)
        for number, part in enumerate(parts, start=1):
            share = part[3].sum() / mask.sum()  # of the batch's frames
            last = self.last_part and number == len(parts)
            with self.fabric.no_backward_sync(self.diffvc, enabled=not last):
                loss = self.diffvc(*part) * share
                self.fabric.backward(loss / self.config.accumulate)
            total += loss.detach()
        self.update(self.diffvc, self.optimizer, self.config.clip_norm)
        decay(self)
        return total

    def validate(self, batches: Iterable[dict[str, Tensor]]) -> dict[str, float]:
        """loss, without dropout, at times that are spread evenly."""
        self.diffvc.eval()
        means = Means(self.fabric)
        for batch in batches:
            mel, mask = batch["mel"], self.mask(batch)
            times = (torch.arange(len(mel), device=mel.device) + 0.5) / len(mel)
            times = times.clamp(EARLIEST, 1 - EARLIEST)
            given = (mel, batch["reference"], batch["embedding"], mask, times, torch.randn_like(mel))
            means.add(loss=self._mean_loss(given, mask))
        return means.result()

    def _mean_loss(self, given: tuple[Tensor, ...], mask: Tensor) -> Tensor:
        parts = zip(*(tensor.split(self.config.crops_at_once) for tensor in given), strict=True)
        return sum(self.diffvc(*part) * part[3].sum() for part in parts) / mask.sum()

    def draw_samples(self, folder: Path) -> None:
        write_voice(plain(self.diffvc), self.val_data.clips[0], self.config.sample_steps, folder, self.fabric.device)

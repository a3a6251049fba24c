"""Stage sync: a SyncNet learns to tell the sound of a mouth from another's; it judges the clip stage.

The originals publish its weights and not its training; mean squared error and cross entropy are what people trained
theirs with (issues 28, 55 and 73 of MRzzm/DINet).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from tk_tools.dubbing.config import SyncConfig
from tk_tools.dubbing.data import Clip, SyncItems
from tk_tools.dubbing.judge import load_judge
from tk_tools.dubbing.losses import discriminator_loss
from tk_tools.dubbing.samples import stacked, to_network
from tk_tools.dubbing.training import DubbingTask
from tk_tools.errors import ConfigError
from tk_tools.nets.dinet_sync_net import SyncNet
from tk_tools.train.means import Means

if TYPE_CHECKING:
    from lightning_fabric import Fabric

GUESSING = {"mse": 0.25, "bce": 0.6931}  # losses of always saying 1/2
_NEAR_GUESSING = 0.95  # of these


class SyncTask(DubbingTask):
    """Each five mouths are judged with their own sound and with one that begins elsewhere."""

    main = "sync"
    watch = "loss"
    config: SyncConfig

    def __init__(
        self,
        config: SyncConfig,
        fabric: Fabric,
        train: Sequence[Clip],
        val: Sequence[Clip],
        needs: Mapping[str, Path],
    ):
        super().__init__(config, fabric, train, val, needs)
        self.train_data = SyncItems(train, config, others=len(val))
        self.val_data = SyncItems(val, config, fixed=True, others=len(train))
        given = self._given(needs["init"], train[0]) if "init" in needs else None
        self.set_up(given or SyncNet(train[0].channels, config.width))

    def _given(self, path: Path, clip: Clip) -> SyncNet:
        known = load_judge(path)
        if (known.features, known.net.audio_channels) != (self.config.features, clip.channels):
            raise ConfigError(
                f"{path} hears features of {known.features}, {known.net.audio_channels} channels; beside the crops lie"
                f" those of {self.config.features}, {clip.channels}: make them anew with tk-feat"
            )
        return known.net.train()

    def set_up(self, net: SyncNet) -> None:
        """Take the network and its optimiser into training."""
        net = net.to(memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(self.trained(net), lr=self.config.learning_rate, fused=True)
        self.net, self.optimizer = self.fabric.setup(net, optimizer)
        self.modules, self.optimizers = {"sync": self.net}, {"sync": self.optimizer}

    def step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        own, other = self.scores(batch)
        loss = self.told_apart(own, other)
        self.descend(loss, self.net, self.optimizer)
        return {"loss": loss.detach()}

    def scores(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """The score maps (B, 1, h, w) of mouths with their own sound, and with the other."""
        mouths = stacked(to_network(batch["mouths"]))
        audio = torch.cat([batch["audio"], batch["other"]])
        own, other = self.net(mouths, audio).float().chunk(2)
        return own, other

    def told_apart(self, own: Tensor, other: Tensor) -> Tensor:
        """The loss, a scalar, of the scores of both sounds."""
        if self.config.loss == "mse":
            return discriminator_loss(made=other, real=own)
        return (functional.softplus(-own).mean() + functional.softplus(other).mean()) / 2

    def validate(self, batches: Iterable[dict[str, Tensor]]) -> dict[str, float]:
        """loss; accuracy: how often the own sound has the higher score; score and score_off: their means."""
        self.net.eval()
        means = Means(self.fabric)
        for batch in batches:
            own, other = self.scores(batch)
            better = own.mean(dim=(1, 2, 3)) > other.mean(dim=(1, 2, 3))
            means.add(
                loss=self.told_apart(own, other),
                accuracy=better.float().mean(),
                score=own.mean(),
                score_off=other.mean(),
            )
        return means.result()

    def advice(self, history: Sequence[Mapping[str, float]]) -> str | None:
        judged = [row for row in history if "val/loss" in row]
        if not judged or judged[-1]["step"] < self.config.stuck_after:
            return None
        if min(row["val/loss"] for row in judged) < _NEAR_GUESSING * GUESSING[self.config.loss]:
            return None
        return (
            f"the SyncNet still guesses (loss {judged[-1]['val/loss']:.2f}) after {int(judged[-1]['step'])} steps. Look"
            " for sound that is off (tk-eval-lse) and for too few speakers, try --set nearby_share=0 and"
            " learning_rate=1e-5"
        )

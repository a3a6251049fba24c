"""What the stages that learn to speak have in common: discriminators and WavLM judge the waveforms that are made.

Source: train_first.py, train_second.py and losses.py of yl4579/StyleTTS2.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.parametrize import cached

from tk_tools.audio.log_mel import LogMel
from tk_tools.audio.mel_presets import STYLETTS2
from tk_tools.models.styletts2.config import SpeechConfig
from tk_tools.models.styletts2.discriminators import WaveDiscriminators
from tk_tools.models.styletts2.hearing import Hearing, hearing_loss
from tk_tools.models.styletts2.losses import MelDistance, discriminator_loss, generator_loss
from tk_tools.models.styletts2.training.data import Clip, inspect_list
from tk_tools.models.styletts2.training.optimisers import learnt_by
from tk_tools.train.clips import Listed
from tk_tools.train.gradients import average_gradients
from tk_tools.train.task import Task

WAVE_JUDGES = ("mpd", "msd")

log = logging.getLogger(__name__)


class JudgedTask(Task):
    """A stage whose waveforms are judged; `optimizers` has those of WAVE_JUDGES, each by its name."""

    config: SpeechConfig

    @classmethod
    def inspect(cls, path: Path, config: SpeechConfig) -> Listed:
        return inspect_list(path, config)

    def set_up_judges(self, discriminators: WaveDiscriminators, hearing: Hearing | None) -> None:
        """Take what judges to the device; hearing None: its loss is 0."""
        to_device = self.fabric.to_device
        self.discriminators = to_device(discriminators)
        self.hearing = None if hearing is None else to_device(hearing)
        self.mel_distance, self.front_end = to_device(MelDistance()), to_device(LogMel(STYLETTS2))

    def tell_apart(self, real: Tensor, made: Tensor) -> Tensor:
        """The discriminators' update; gives their loss before it, a scalar. Waveforms (B, samples), as below."""
        with self.fabric.autocast():
            loss = discriminator_loss(*self.discriminators(real, made))
        self.fabric.backward(loss / self.config.accumulate)
        self.update_parts(WAVE_JUDGES)
        return loss

    def judgement(self, real: Tensor, made: Tensor) -> Tensor:
        """The discriminators' loss for what made the waveforms, a scalar."""
        with self.judge(self.discriminators) as judges, cached():
            with torch.no_grad():
                (theirs,) = judges(real)
            (own,) = judges(made)
        return generator_loss(theirs, own)

    def hearing_distance(self, real: Tensor, made: Tensor) -> Tensor:
        """How differently WavLM hears the waveforms, a scalar; 0 without it."""
        if self.hearing is None:
            return made.new_zeros(())
        with torch.no_grad():
            theirs = self.hearing(real)
        return hearing_loss(theirs, self.hearing(made))

    def mel_l1(self, real: Tensor, made: Tensor) -> Tensor:
        """The mean absolute difference of the mels that the networks hear of the waveforms, a scalar."""
        return functional.l1_loss(self.front_end(made), self.front_end(real))

    def update_parts(self, names: Iterable[str]) -> None:
        """At the last of config.accumulate batches a step of these optimisers, for the mean gradients of all processes;
        leaves no gradients then."""
        if not self.last_part:
            return
        for name in names:
            average_gradients(self.fabric, learnt_by(self.optimizers[name]))
            self.leave([name])

    def leave(self, names: Iterable[str]) -> None:
        """A step of these optimisers, by the gradients that are there; leaves none."""
        for name in names:
            self.optimizers[name].step()
            self.optimizers[name].zero_grad(set_to_none=True)

    def warn(self, line: str) -> None:
        """Tell a line once, on the first process."""
        if self.fabric.global_rank == 0:
            log.warning(line)

    def warn_of_voices(self, clips: Iterable[Clip], many: bool) -> None:
        """Tell that several speakers are about to become one voice; many: they are not."""
        speakers = {clip.speaker for clip in clips}
        if len(speakers) > 1 and not many:
            self.warn(f"the list names {len(speakers)} speakers, and many_voices is off: they are learnt as one voice")

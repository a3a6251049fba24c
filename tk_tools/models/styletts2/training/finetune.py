"""Fine-tuning: a whole checkpoint learns further recordings, all of its parts but the pitch extractor at once.

As the second stage, but the aligner and the text encoder learn too, the discriminators judge from the start, and what
is made is held against the recordings. Source: train_finetune.py of yl4579/StyleTTS2.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from tk_tools.models.styletts2.aligner import draw_hidden
from tk_tools.models.styletts2.config import FinetuneConfig
from tk_tools.models.styletts2.losses import spelling_loss, straightness_loss
from tk_tools.models.styletts2.training.alignment import align
from tk_tools.models.styletts2.training.second import Phase, SecondTask
from tk_tools.models.styletts2.training.sentences import Batch, Said, Texts
from tk_tools.models.styletts2.training.system import Judges, System, judges_of, system_of_second


class FinetuneTask(SecondTask):
    """Fine-tuning, of one voice or many as the checkpoint has them."""

    config: FinetuneConfig

    dropping: ClassVar[tuple[str, ...]] = (*SecondTask.dropping, "text_aligner", "text_encoder")
    always: ClassVar[tuple[str, ...]] = (
        *SecondTask.always,
        *("style_encoder", "decoder", "text_encoder", "text_aligner"),
    )
    joining: ClassVar[tuple[str, ...]] = ()
    weighed: ClassVar[tuple[str, ...]] = (*SecondTask.weighed, "monotonic", "spelling")
    no_start: ClassVar[str] = "give --init: a whole checkpoint of the second stage, the original's or a run"
    apart = False

    def start(self, weights: Path) -> tuple[System, Judges]:
        return system_of_second(weights, self.config), judges_of(self.config, self.hearing, weights)

    def judged(self, phase: Phase) -> bool:
        return True

    def goal(self, said: Said, phase: Phase) -> Tensor:
        return said.recorded

    def texts(self, batch: Batch) -> Texts:
        """Laid out by the attention or by the path, which is drawn."""
        tokens, lengths = batch["tokens"], batch["token_lengths"]
        aligned = align(self.system.text_aligner, batch, draw_hidden(tokens))
        laid_out = aligned.attention if torch.rand(()) < 0.5 else aligned.path
        losses = {
            "monotonic": straightness_loss(aligned.attention, aligned.path),
            "spelling": spelling_loss(aligned.logits.float(), tokens, lengths),
        }
        return Texts(aligned.path, self.system.text_encoder(tokens, lengths) @ laid_out, losses)

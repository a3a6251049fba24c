"""Stage aligner: the text aligner learns to hear what is said, and so where, from recordings with their phonemes.

Source: trainer.py and meldataset.py of yl4579/AuxiliaryASR; Li et al., "StyleTTS", 2022, appendix. Where this differs
from them: the blank of the connectionist classification is the pad, which no text has within (the original's is the
space, which its texts have), and recordings with more tokens than steps are left out, not stretched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tk_tools.models.styletts2.aligner import Heard, TextAligner, draw_hidden
from tk_tools.models.styletts2.config import AlignerConfig
from tk_tools.models.styletts2.losses import spelling_loss
from tk_tools.models.styletts2.published import load_aligner
from tk_tools.models.styletts2.training.data import Clip, Recordings, inspect_list
from tk_tools.models.styletts2.training.one_cycle import OneCycle
from tk_tools.nets.monotonic_alignment import maximum_path
from tk_tools.nets.padding import padding_mask
from tk_tools.text.symbols import INDEX, MARKS, PAD
from tk_tools.train.clips import Listed
from tk_tools.train.means import Means
from tk_tools.train.task import Draw, Task, plain

if TYPE_CHECKING:
    from lightning_fabric import Fabric

SAMPLES = 4  # pictures drawn at a validation
_EPSILON = 1e-9
_MARKS = len(MARKS)  # ids up to this one are the pad and marks, which are not heard


class AlignerTask(Task):
    """Connectionist classification of each step, and the spelling of the tokens one by one."""

    main = "text_aligner"
    watch = "on_path"
    watch_mode = "max"
    config: AlignerConfig

    @classmethod
    def inspect(cls, path: Path, config: AlignerConfig) -> Listed:
        return inspect_list(path, config)

    def __init__(
        self,
        config: AlignerConfig,
        fabric: Fabric,
        train: Sequence[Clip],
        val: Sequence[Clip],
        needs: Mapping[str, Path],
    ):
        super().__init__(config, fabric, train, val, needs)
        self.train_data, self.val_data = Recordings(train, config), Recordings(val, config)
        self.set_up(load_aligner(needs["init"]).train() if "init" in needs else TextAligner(config.aligner_sizes()))

    def set_up(self, net: TextAligner) -> None:
        """Take the network, its optimiser and its schedule into training."""
        config = self.config
        steps = config.steps(len(self.train_data), self.fabric.world_size)
        optimizer = torch.optim.AdamW(
            net.parameters(),
            lr=config.learning_rate,
            betas=(config.beta1, config.beta2),
            eps=_EPSILON,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.text_aligner, self.optimizer = self.fabric.setup(net, optimizer)
        self.modules = {"text_aligner": self.text_aligner}
        self.optimizers = {"text_aligner": self.optimizer}
        self.schedulers = {"one_cycle": OneCycle(self.optimizer, steps)}

    def step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return self.learn(batch, draw_hidden(batch["tokens"]))

"""Stage aligner: the text aligner learns to hear what is said, and so where, from recordings with their phonemes.

Source: trainer.py and meldataset.py of yl4579/AuxiliaryASR; Li et al., "StyleTTS", 2022, appendix. Where this differs
from them: the blank of the connectionist classification is the pad, which no text has within (the original's is the
space, which its texts have), recordings with more tokens than steps are left out, not stretched, and the attention can
be guided at the beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from tk_tools.models.styletts2.aligner import Heard, TextAligner, draw_hidden
from tk_tools.models.styletts2.config import AlignerConfig
from tk_tools.models.styletts2.losses import spelling_loss
from tk_tools.models.styletts2.published import load_aligner
from tk_tools.models.styletts2.training.data import Clip, Recordings, inspect_list
from tk_tools.models.styletts2.training.one_cycle import BETA1, BETA2, WEIGHT_DECAY, OneCycle
from tk_tools.models.styletts2.training.optimisers import adamw
from tk_tools.nets.monotonic_alignment import maximum_path
from tk_tools.nets.padding import padding_mask
from tk_tools.text.symbols import INDEX, MARKS, PAD
from tk_tools.train.clips import Listed
from tk_tools.train.decay import decay
from tk_tools.train.means import Means
from tk_tools.train.task import Draw, Task, plain

if TYPE_CHECKING:
    from lightning_fabric import Fabric

SAMPLES = 4  # pictures drawn at a validation
SCALE = 3  # pixels of a token and of a step in them
STRAIGHT = 0.2  # of a recording: attention nearer to the straight way costs little
STEEPEST = 5.0  # of a weight's gradient; what is more is cut
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
        self.train_data = Recordings(train, config, others=len(val))
        self.val_data = Recordings(val, config, others=len(train))
        self.set_up(load_aligner(needs["init"]).train() if "init" in needs else TextAligner(config.sizes.aligner()))

    def set_up(self, net: TextAligner) -> None:
        """Take the network, its optimiser and its schedule into training."""
        config = self.config
        self.steps = config.steps(len(self.train_data), self.fabric.world_size)
        optimizer = adamw(net, config.learning_rate, (BETA1[0], BETA2), WEIGHT_DECAY)
        self.text_aligner, self.optimizer = self.fabric.setup(net, optimizer)
        self.modules = {"text_aligner": self.text_aligner}
        self.optimizers = {"text_aligner": self.optimizer}
        self.schedulers = {"one_cycle": OneCycle(self.optimizer, self.steps)}

    def step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return self.learn(batch, draw_hidden(batch["tokens"], self.config.hidden_share))

    def learn(self, batch: Mapping[str, Tensor], hidden: Tensor) -> dict[str, Tensor]:
        """One update; hidden (B, T) bool: the tokens that it is not told."""
        heard = self.listen(batch, hidden)
        losses = aligner_losses(heard, batch)
        loss = losses["ctc"] + losses["spelling"]
        if self.config.guided_weight:
            losses["guided"] = guided_loss(heard.attention, batch)
            share = max(0.0, 1 - self.schedulers["one_cycle"].last_epoch / self.steps)
            loss = loss + self.config.guided_weight * share * losses["guided"]
        self.fabric.backward(loss / self.config.accumulate)
        if self.last_part:
            self.fabric.clip_gradients(self.text_aligner, self.optimizer, clip_val=STEEPEST)
        self.update(self.text_aligner, self.optimizer)
        decay(self)
        return {name: value.detach() for name, value in {"loss": loss, **losses}.items()}

    def listen(self, batch: Mapping[str, Tensor], hidden: Tensor | None = None) -> Heard:
        """What the network makes of a batch of Recordings.collate."""
        mel = batch["mel"]
        return self.text_aligner(
            mel, padding_mask(batch["mel_lengths"] // 2, mel.shape[-1] // 2), batch["tokens"], hidden
        )

    def validate(self, batches: Iterable[dict[str, Tensor]]) -> dict[str, float]:
        """on_path: how much of the attention lies on the monotonic path through it, 0 to 1; phoneme_error: edits for
        each phoneme of what is heard without the text; accuracy: of the tokens, spelled from those before them; the
        losses as in training."""
        self.text_aligner.eval()
        means = Means(self.fabric)
        for batch in batches:
            heard = self.listen(batch)
            losses = aligner_losses(heard, batch)
            inside = ~padding_mask(batch["token_lengths"], batch["tokens"].shape[1])
            right = (heard.logits[:, :-1].argmax(dim=-1) == batch["tokens"]) & inside
            means.add(
                on_path=on_path(heard.attention, batch),
                phoneme_error=phoneme_error(heard.ctc, batch),
                accuracy=right.sum() / inside.sum(),
                loss=losses["ctc"] + losses["spelling"],
                **losses,
            )
        return means.result()

    @torch.no_grad()
    def draw_samples(self, folder: Path) -> None:
        """N_NAME.attention.png of a few clips: a row for each token from the top, a column for each step of 25 ms."""
        from PIL import Image

        net = plain(self.text_aligner)
        net.eval()
        for number in range(min(SAMPLES, len(self.val_data))):
            item = self.fabric.to_device(self.val_data[Draw(number, seed=0)])
            mel, tokens = item["mel"][None], item["tokens"][None]
            nothing = torch.zeros(1, mel.shape[-1] // 2, dtype=torch.bool, device=mel.device)
            attention = net(mel, nothing, tokens).attention[0, 1:]
            picture = (255 * attention / attention.amax()).byte().cpu().numpy()
            name = f"{number + 1}_{self.val_data.clips[number].path.stem}.attention.png"
            Image.fromarray(picture.repeat(SCALE, axis=0).repeat(SCALE, axis=1)).save(folder / name)


def aligner_losses(heard: Heard, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """ctc: of what is heard at each step, over the symbols of each text; spelling: see spelling_loss."""
    tokens, lengths = batch["tokens"], batch["token_lengths"]
    ctc = functional.ctc_loss(
        heard.ctc.float().log_softmax(dim=-1).transpose(0, 1),
        tokens[:, 1:],  # without the pads on both ends
        batch["mel_lengths"] // 2,
        lengths - 2,
        blank=INDEX[PAD],
        zero_infinity=True,  # of a text with more repeated symbols than there are steps to tell them apart
    )
    return {"ctc": ctc, "spelling": spelling_loss(heard.logits.float(), tokens, lengths)}


def guided_loss(attention: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
    """How far the attention (B, T + 1, steps) is from the straight way through each recording, 0 to 1, a scalar.

    Source: Tachibana et al., "Efficiently trainable text-to-speech system based on deep convolutional networks with
    guided attention", ICASSP 2018.
    """
    turns, steps = (torch.arange(size, device=attention.device) for size in attention.shape[1:])
    tokens, frames = batch["token_lengths"][:, None, None], batch["mel_lengths"][:, None, None] // 2
    apart = turns[:, None] / tokens - steps / frames
    far = 1 - torch.exp(-(apart**2) / (2 * STRAIGHT**2))
    return ((attention * far).sum(dim=2) * (turns < tokens[..., 0])).sum(dim=1).div(batch["token_lengths"]).mean()


def on_path(attention: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
    """The share of the attention (B, T + 1, steps) that lies on each item's monotonic path, averaged: a scalar."""
    lengths = batch["token_lengths"]
    attention = attention[:, 1:]
    path = maximum_path(attention, lengths, batch["mel_lengths"] // 2)
    return ((attention * path).sum(dim=(1, 2)) / lengths).mean()


def phoneme_error(ctc: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
    """Edits that turn what is heard, the likeliest symbol of each step (B, steps, symbols), into what is said, for each
    phoneme of the batch; marks and spaces are not counted. A scalar."""
    edits = said = 0
    best = ctc.argmax(dim=-1)
    for steps, count, tokens in zip(best, (batch["mel_lengths"] // 2).tolist(), batch["tokens"], strict=True):
        heard = steps[:count].unique_consecutive()
        heard, text = (ids[ids > _MARKS].tolist() for ids in (heard, tokens))
        edits += edit_distance(heard, text)
        said += len(text)
    return ctc.new_tensor(edits / max(1, said))


def edit_distance(first: Sequence[int], second: Sequence[int]) -> int:
    """Levenshtein's: the fewest insertions, deletions and substitutions that turn one into the other."""
    row = np.arange(len(second) + 1)
    other = np.asarray(second)
    for count, symbol in enumerate(first, start=1):
        best = np.minimum(row[1:] + 1, row[:-1] + (other != symbol))  # a deletion, or a substitution
        places = np.arange(len(row))
        # an insertion costs one a place: the least so far, each place counted off
        row = places + np.minimum.accumulate(np.concatenate([[count], best]) - places)
    return int(row[-1])

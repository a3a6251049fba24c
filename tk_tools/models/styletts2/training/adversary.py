"""The adversary of the second stage and of fine-tuning: it hears, through WavLM, whether speech is recorded or made up.

What it hears is made from a text alone: in a style that was sampled for it, with durations that were predicted, whose
alignment is soft so that a gradient goes through it. A head upon all of WavLM's hidden states holds it against
recordings. Source: Li et al., NeurIPS 2023, sections 3.2.3 to 3.2.5; yl4579/StyleTTS2, Modules/slmadv.py, losses.py,
train_second.py. Where this differs from them: one clip that is long enough is enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from tk_tools.models.styletts2.hearing import Hearing
from tk_tools.models.styletts2.networks import StyleTTS2
from tk_tools.models.styletts2.plbert import understand
from tk_tools.models.styletts2.sizes import STEP
from tk_tools.models.styletts2.training.clips import cut, draw_starts
from tk_tools.models.styletts2.training.styles import sample_styles
from tk_tools.nets.padding import padding_mask
from tk_tools.nets.soft_durations import soft_alignment

Judge = Callable[[Tensor], Tensor]
"""Waveforms (B, samples) at 24 kHz -> the head's scores (B, steps)."""


@dataclass(frozen=True)
class ClipBounds:
    """Of the clips that are heard: steps of the shortest and of the longest, and the share of a batch that is taken."""

    shortest: int
    longest: int
    share: float


class MadeUp(NamedTuple):
    """Waveforms (N, samples) of made up and of recorded clips, as long as each other."""

    made: Tensor
    recorded: Tensor


class Recorded(NamedTuple):
    """Waveforms (B, samples) and how many steps of them are no padding, (B,)."""

    wave: Tensor
    steps: Tensor


def make_up(
    system: StyleTTS2,
    tokens: Tensor,
    lengths: Tensor,
    recorded: Recorded,
    bounds: ClipBounds,
    sigma: float,
    style: Tensor | None = None,
    voice: Tensor | None = None,
) -> MadeUp | None:
    """Clips of texts (B, T), counted by lengths (B,), as the system says them, with gradient; None: all are too short.

    style (B, 2 S): what they are said in; None: it is sampled, for voice (B, 2 S) where the system has many. sigma: of
    the soft alignment, in steps. Nothing goes back to the text encoder.
    """
    known = understand(system.bert, tokens, lengths)
    if style is None:
        style = sample_styles(system.diffusion, known, padding_mask(lengths, tokens.shape[1]), voice)
    prosodic = style.chunk(2, dim=-1)[1]
    encoded = system.predictor.text_encoder(system.bert_encoder(known).mT, prosodic, lengths)
    logits = system.predictor.durations(encoded, lengths).float()
    said = said_steps(logits, lengths)
    kept, size = _long_enough(said, recorded.steps, bounds)
    if not kept:
        return None
    with torch.autocast(logits.device.type, enabled=False):
        alignment = soft_alignment(logits[kept], lengths[kept], sigma=sigma)
    alignment = cut(alignment, draw_starts(said[kept], size), size)
    with torch.no_grad():
        text = system.text_encoder(tokens[kept], lengths[kept])
    acoustic, prosodic = style[kept].chunk(2, dim=-1)
    pitch, energy = system.predictor.contour(encoded[kept].mT @ alignment, prosodic)
    made = system.decoder(text @ alignment, pitch, energy, acoustic)
    starts = draw_starts(recorded.steps[kept], size)
    return MadeUp(made.float(), cut(recorded.wave[kept], starts, size, STEP))


def said_steps(logits: Tensor, lengths: Tensor) -> Tensor:
    """Logits (B, T, 50) of durations -> the steps that each text lasts, (B,) int64."""
    durations = logits.sigmoid().sum(dim=-1).masked_fill(padding_mask(lengths, logits.shape[1]), 0)
    return durations.sum(dim=1).round().long()


def hidden_states(hearing: Hearing, wave: Tensor) -> Tensor:
    """What WavLM hears in waveforms (B, N): (B, layers x features, steps), a layer's features together."""
    return torch.cat([layer.mT for layer in hearing(wave)], dim=1)


def fooling_loss(scores: Tensor) -> Tensor:
    """Of what made the speech: how far the head's scores are from those of recordings, a scalar."""
    return (1 - scores.float()).square().mean()


def telling_loss(recorded: Tensor, made: Tensor) -> Tensor:
    """Of the head: how far its scores of recordings are from 1 and those of made speech from 0, a scalar."""
    return (1 - recorded.float()).square().mean() + made.float().square().mean()


def rebuilt_loss(judge: Judge, made: Tensor, rebuilt: Tensor, recorded: Tensor) -> Tensor:
    """Of the head, against what the decoder rebuilt: waveforms made (N, samples), and recorded and rebuilt of that
    (B, samples').

    It is not to go by their length (the longer of the two is heard in part and whole) nor by what rebuilding does.
    """
    scores = {"rebuilt": judge(rebuilt), "made": judge(made)}
    waves = {"rebuilt": rebuilt, "made": made}
    longer = "rebuilt" if rebuilt.shape[-1] > made.shape[-1] else "made"
    size = min(rebuilt.shape[-1], made.shape[-1])
    part = judge(waves[longer][:, :size])
    by_length = functional.l1_loss(part, scores[longer][..., : part.shape[-1]])
    by_rebuilding = functional.l1_loss(judge(recorded), scores["rebuilt"])
    if torch.rand(()) < 0.5:
        scores[longer] = part
    return telling_loss(scores["rebuilt"], scores["made"]) + by_length + by_rebuilding


@torch.no_grad()
def calm_gradients(system: StyleTTS2, threshold: float, scale: float) -> None:
    """Bound, in place, the gradients that the adversary left in what it trains.

    All of them are divided by the prosody predictor's norm where that is above the threshold; those of the durations'
    last layers and of the diffusion are then multiplied by `scale`.
    """
    predictor = system.predictor
    norm = nn.utils.get_total_norm([p.grad for p in predictor.parameters() if p.grad is not None])
    if norm > threshold:
        for parameter in _learning(system):
            parameter.grad /= norm
    for part in (predictor.duration_proj, predictor.lstm, system.diffusion):
        for parameter in _learning(part):
            parameter.grad *= scale


def _learning(part: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in part.parameters() if parameter.grad is not None]


def _long_enough(said: Tensor, recorded: Tensor, bounds: ClipBounds) -> tuple[list[int], int]:
    """Which items have a clip of the size to be cut, spoken and recorded, and that size in steps."""
    size = min(max(int(said.min()) // 2 - 1, bounds.shortest), bounds.longest)
    kept = [item for item, steps in enumerate(torch.minimum(said, recorded).tolist()) if steps > size]
    return kept[: math.ceil(bounds.share * len(said))], size

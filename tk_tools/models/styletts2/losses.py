"""StyleTTS 2's losses, each a scalar; those of its discriminators alone stand in tk_tools.nets.adversarial.

Source: Li et al., NeurIPS 2023, section 3 and appendix; Li et al., "Improve GAN-based Neural Vocoder using Truncated
Pointwise Relativistic Least Square GAN", 2022; yl4579/StyleTTS2, losses.py, utils.py, train_first.py, train_second.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from tk_tools.audio.log_mel import LogMel
from tk_tools.audio.mel_presets import STYLETTS2
from tk_tools.models.styletts2.discriminators import RESOLUTIONS
from tk_tools.models.styletts2.sizes import SAMPLE_RATE
from tk_tools.nets.adversarial import adversarial_loss, feature_loss, told_apart_loss
from tk_tools.nets.padding import padding_mask
from tk_tools.nets.period_discriminator import Judgement

STRAIGHTNESS = 10.0  # of the alignment's mean distance from its path
MOST_RELATIVE = 0.04  # of the relativistic term, for each discriminator

_JUDGED = [
    replace(
        STYLETTS2,
        name="styletts2 loss",
        n_fft=size,
        win_length=window,
        hop_length=hop,
        padding=size // 2,
        n_mels=128,
        fmax=SAMPLE_RATE / 2,
        filter_rate=SAMPLE_RATE,
    )
    for size, hop, window in RESOLUTIONS
]


class MelDistance(nn.Module):
    """How far normalised log-mels of three resolutions are apart: waveforms (B, samples), made and real. In single
    precision whatever the others do."""

    def __init__(self):
        super().__init__()
        self.mels = nn.ModuleList(LogMel(preset) for preset in _JUDGED)

    def forward(self, made: Tensor, real: Tensor) -> Tensor:
        return sum(self.parts(made, real)) / len(self.mels)

    def parts(self, made: Tensor, real: Tensor) -> list[Tensor]:
        """Of each resolution: the absolute differences over the absolute values of the real one."""
        with torch.autocast(made.device.type, enabled=False):
            pairs = [(mel(made), mel(real)) for mel in self.mels]
        return [(theirs - ours).abs().sum() / theirs.abs().sum() for ours, theirs in pairs]


def energy(mel: Tensor) -> Tensor:
    """Normalised log-mel (B, 80, frames) -> the logarithm of the norm of its bands, (B, frames)."""
    return torch.log(torch.exp(4 * mel - 4).norm(dim=1))


def relativistic_loss(better: Sequence[Judgement], worse: Sequence[Judgement]) -> Tensor:
    """The squared distances of those scores that are less above the other's than the median is, bounded for each
    discriminator; the generator takes its own to be the better ones."""
    total = 0.0
    for one, other in zip(better, worse, strict=True):
        ahead = one.scores.float() - other.scores.float()
        behind = ahead - ahead.median()
        late = behind < 0
        mean = (behind.square() * late).sum() / late.sum().clamp(min=1)  # 0 where all are ahead alike
        total = total + mean.clamp(max=MOST_RELATIVE)
    return total


def generator_loss(real: Sequence[Judgement], made: Sequence[Judgement]) -> Tensor:
    """The generator's, of all discriminators together."""
    return adversarial_loss(made) + feature_loss(real, made) + relativistic_loss(made, real)


def discriminator_loss(real: Sequence[Judgement], made: Sequence[Judgement]) -> Tensor:
    """The discriminators'."""
    return told_apart_loss(real, made) + relativistic_loss(real, made)


def duration_losses(logits: Tensor, durations: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (B, T, 50) against steps (B, T) int64 of tokens counted by lengths (B,): how many steps the tokens are
    off, without the first and the last, and the cross-entropy of each of the 50 answers.

    Both are means over an item's tokens, then over the items.
    """
    inside = ~padding_mask(lengths, logits.shape[1])
    places = torch.arange(logits.shape[1], device=logits.device)
    inner = inside & (places > 0) & (places < lengths[:, None] - 1)
    off = (logits.sigmoid().sum(dim=-1) - durations).abs()
    goal = (torch.arange(logits.shape[-1], device=logits.device) < durations[..., None]).to(logits)
    entropy = functional.binary_cross_entropy_with_logits(logits, goal, reduction="none").mean(dim=-1)
    return _mean_of_items(off, inner), _mean_of_items(entropy, inside)


def spelling_loss(logits: Tensor, tokens: Tensor, lengths: Tensor) -> Tensor:
    """The aligner's: logits (B, T + 1, symbols) against tokens (B, T) counted by lengths (B,).

    The i-th turn, that of START being the first, is held against the i-th token.
    """
    entropy = functional.cross_entropy(logits[:, :-1].mT, tokens, reduction="none")
    return _mean_of_items(entropy, ~padding_mask(lengths, tokens.shape[1]))


def straightness_loss(attention: Tensor, path: Tensor) -> Tensor:
    """How far the aligner's attention (B, T, steps) is from the best path through it."""
    return STRAIGHTNESS * functional.l1_loss(attention.float(), path.float())


def _mean_of_items(values: Tensor, counted: Tensor) -> Tensor:
    """Of (B, T) the mean of those counted in each item, then of the items."""
    return ((values * counted).sum(dim=1) / counted.sum(dim=1).clamp(min=1)).mean()

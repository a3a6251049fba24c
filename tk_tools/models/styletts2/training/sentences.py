"""A batch of recordings as the second stage says it: from texts to prosody, and from clips of both to waveforms.

Source: Li et al., NeurIPS 2023, section 3; train_second.py of yl4579/StyleTTS2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from tk_tools.models.styletts2.losses import duration_losses, energy
from tk_tools.models.styletts2.networks import StyleTTS2
from tk_tools.models.styletts2.plbert import understand
from tk_tools.models.styletts2.prosody import Contour
from tk_tools.models.styletts2.sizes import STEP
from tk_tools.models.styletts2.training.clips import clip_steps, cut, draw_starts
from tk_tools.models.styletts2.training.styles import heard_styles
from tk_tools.models.styletts2.training.system import System
from tk_tools.nets.padding import padding_mask

STEP_FRAMES = 2  # mel frames of a step
HZ = 10.0  # that the pitch may be off for a loss of about 1

Batch = Mapping[str, Tensor]


class Texts(NamedTuple):
    """What a batch says: path (B, T, steps) of 0 and 1, each step's token; spelled (B, hidden, steps), laid out for the
    decoder; losses of what aligns them."""

    path: Tensor
    spelled: Tensor
    losses: dict[str, Tensor]


class Prosody(NamedTuple):
    """How a batch is said: known (B, T, width), what PL-BERT knows of the texts, and padding (B, T) of them; style
    (B, 2 S) of the whole recordings, without gradient; laid_out (B, hidden + S, steps), whose pitch and energy the
    predictor says; losses of the durations."""

    known: Tensor
    padding: Tensor
    style: Tensor
    laid_out: Tensor
    losses: dict[str, Tensor]


class Said(NamedTuple):
    """Waveforms (B, N): made at predicted pitch and energy, rebuilt at true ones, recorded; losses of these curves."""

    made: Tensor
    rebuilt: Tensor
    recorded: Tensor
    losses: dict[str, Tensor]


def plan_prosody(system: System, batch: Batch, path: Tensor) -> Prosody:
    """What the predictor makes of a batch's texts in the styles of its recordings, each heard as a whole."""
    tokens, lengths = batch["tokens"], batch["token_lengths"]
    with torch.no_grad():
        acoustic = heard_styles(system.style_encoder, batch["mel"], batch["mel_lengths"])
    prosodic = heard_styles(system.predictor_encoder, batch["mel"], batch["mel_lengths"])
    known = understand(system.bert, tokens, lengths)
    encoded = system.predictor.text_encoder(system.bert_encoder(known).mT, prosodic, lengths)
    logits = system.predictor.durations(encoded, lengths).float()
    duration, ending = duration_losses(logits, path.sum(dim=-1).long(), lengths)
    return Prosody(
        known,
        padding_mask(lengths, tokens.shape[1]),
        torch.cat([acoustic, prosodic], dim=-1).detach(),
        encoded.mT @ path,
        {"duration": duration, "ending": ending},
    )


def say_clips(system: System, batch: Batch, texts: Texts, prosody: Prosody, longest: int, apart: bool) -> Said:
    """Clips of a batch, of `longest` steps at most, in styles that are heard in them; apart: in other clips of the same
    recordings, as a voice is to be taken from a reference."""
    steps = batch["mel_lengths"] // STEP_FRAMES
    size = clip_steps(steps, longest)
    starts = draw_starts(steps, size)
    mel = cut(batch["mel"], starts, size, STEP_FRAMES)
    heard = mel
    if apart:
        whole = clip_steps(steps)
        heard = cut(batch["mel"], draw_starts(steps, whole), whole, STEP_FRAMES)
    spelled = cut(texts.spelled, starts, size)
    acoustic, prosodic = system.style_encoder(heard), system.predictor_encoder(heard)
    with torch.no_grad():
        true = system.pitch_extractor(mel), energy(mel)
        rebuilt = system.decoder(spelled, *true, acoustic)
    curves = system.predictor.contour(cut(prosody.laid_out, starts, size), prosodic)
    made = system.decoder(spelled, *curves, acoustic)
    recorded = cut(batch["wave"], starts, size, STEP)
    return Said(made.float(), rebuilt.float(), recorded, curve_losses(curves, true))


def say_whole(system: System, one: Batch, texts: Texts) -> tuple[Prosody, Tensor, Contour]:
    """A whole recording, a batch of one, at true durations and in its own style: its prosody, the waveform (1, N) and
    the curves that it is made with."""
    prosody = plan_prosody(system, one, texts.path)
    acoustic, prosodic = prosody.style.chunk(2, dim=-1)
    curves = system.predictor.contour(prosody.laid_out, prosodic)
    return prosody, system.decoder(texts.spelled, *curves, acoustic).float(), curves


def curve_losses(made: tuple[Tensor, Tensor], true: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    """Of pitch in Hz and energy, (B, frames) each: how far they are off, scalars."""
    pitch, energies = (
        functional.smooth_l1_loss(ours.float(), theirs.float()) for ours, theirs in zip(made, true, strict=True)
    )
    return {"pitch": pitch / HZ, "energy": energies}


def voices(system: StyleTTS2, batch: Batch) -> Tensor | None:
    """The styles (B, 2 S) of a batch's references, without gradient; None: there is one voice."""
    if not system.sizes.many_voices:
        return None
    lengths = batch["reference_lengths"]
    mel = batch["reference"][..., : int(lengths.max())]
    with torch.no_grad():
        parts = [heard_styles(part, mel, lengths) for part in (system.style_encoder, system.predictor_encoder)]
    return torch.cat(parts, dim=-1)

"""Tokens of a sentence -> its waveform, in one voice or in that of a reference.

Source: the notebooks of yl4579/StyleTTS2, Demo/Inference_LJSpeech.ipynb and Inference_LibriTTS.ipynb.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tk_tools.errors import InputError, WeightsError
from tk_tools.models.styletts2.networks import StyleTTS2
from tk_tools.models.styletts2.options import SpeechOptions
from tk_tools.models.styletts2.plbert import understand
from tk_tools.nets.noise import Noise

BEGINNING = 0  # the id that stands before every sentence


@dataclass(frozen=True)
class Ends:
    """What is done about the end of a sentence, where the voices click: steps of 25 ms that its last token is drawn
    out by, and samples that are cut off."""

    drawn_out: int = 0
    cut: int = 0


ALONE = {"one": Ends(drawn_out=5), "many": Ends(cut=50)}
AMONG_OTHERS = {"one": Ends(), "many": Ends(cut=100)}
"""As published, of one voice and of many: for a sentence alone, and for those of a longer text."""


@dataclass(frozen=True)
class Spoken:
    """wave: (samples,) float32 at 24 kHz. style: (1, 2 S), which the next sentence may carry on. steps: of 25 ms that
    each token lasts, BEGINNING first."""

    wave: np.ndarray
    style: Tensor
    steps: np.ndarray


@torch.inference_mode()
def speak(
    model: StyleTTS2,
    tokens: Sequence[int],
    noise: Noise,
    options: SpeechOptions = SpeechOptions(),
    voice: Tensor | None = None,
    before: Tensor | None = None,
    among_others: bool = False,
) -> Spoken:
    """Say one sentence, on the model's device.

    tokens: ids without BEGINNING; noise: drawn for the style's start, its steps, and the excitation, in this order;
    voice: (1, 2 S) of `reference_style`, which a model of many voices needs and one of one voice has no use for;
    before: style of the sentence before. InputError: no tokens, too many, or unknown ones; a voice too few or too much.
    WeightsError: what it says is not finite.
    """
    ids = _checked(model, tokens)
    check_voice(model, given=voice is not None)
    kind = "one" if voice is None else "many"
    ends = (AMONG_OTHERS if among_others else ALONE)[kind]
    device = model.bert_encoder.weight.device
    given = torch.tensor([[BEGINNING, *ids]], device=device)
    lengths = torch.tensor([given.shape[1]], device=device)
    known = understand(model.bert, given, lengths)
    style = _style(model, known, noise, options, voice, before)
    acoustic, prosodic = style.chunk(2, dim=-1)
    encoded = model.predictor.text_encoder(model.bert_encoder(known).mT, prosodic, lengths)
    durations = model.predictor.durations(encoded, lengths).sigmoid().sum(dim=-1)[0]
    _check_finite(durations)
    steps = durations.round().clamp(min=1).long()
    steps[-1] += ends.drawn_out
    spelled = model.text_encoder(given, lengths).mT
    laid_out, text = (x[0].repeat_interleave(steps, dim=0).mT[None] for x in (encoded, spelled))
    if model.sizes.decoder.kind == "hifigan":  # its published weights are used to a step's delay
        laid_out, text = (torch.cat([x[..., :1], x[..., :-1]], dim=-1) for x in (laid_out, text))
    pitch, energy = model.predictor.contour(laid_out, prosodic)
    wave = model.decoder(text, pitch, energy, acoustic, noise)[0]
    _check_finite(wave)
    return Spoken(wave[: len(wave) - ends.cut].cpu().numpy(), style, steps.cpu().numpy())


def check_voice(model: StyleTTS2, *, given: bool) -> None:
    """InputError: a model of many voices is given none, or one of one voice is given another."""
    if model.sizes.many_voices and not given:
        raise InputError("these weights speak in the voice of a reference; give one (--reference)")
    if given and not model.sizes.many_voices:
        raise InputError("these weights have one voice; leave the reference out")


def longest_sentence(model: StyleTTS2) -> int:
    """How many tokens a sentence has at most, BEGINNING not counted."""
    return model.sizes.bert.positions - 1


def _checked(model: StyleTTS2, tokens: Sequence[int]) -> list[int]:
    most = longest_sentence(model)
    if not len(tokens):
        raise InputError("there is nothing to say")
    if len(tokens) > most:
        raise InputError(f"the sentence has {len(tokens)} tokens, and {most} is the most; divide it")
    if not 0 <= min(tokens) <= max(tokens) < model.sizes.symbols:
        raise InputError(f"a token is none of the {model.sizes.symbols} symbols that these weights know")
    return [int(token) for token in tokens]


def _check_finite(values: Tensor) -> None:
    if not values.isfinite().all():
        raise WeightsError("the speech is not finite; take other weights")


def _style(
    model: StyleTTS2,
    known: Tensor,
    noise: Noise,
    options: SpeechOptions,
    voice: Tensor | None,
    before: Tensor | None,
) -> Tensor:
    """The sentence's style (1, 2 S): sampled, mixed with that of the one before, then with the reference's."""
    start = noise(known.new_empty(1, 2 * model.sizes.style))
    style = model.diffusion.sample(start, known, voice, options.steps, options.guidance, noise)
    if before is not None:
        style = options.carry * before + (1 - options.carry) * style
    if voice is None:
        return style
    parts = zip((options.alpha, options.beta), style.chunk(2, dim=-1), voice.chunk(2, dim=-1), strict=True)
    return torch.cat([share * sampled + (1 - share) * heard for share, sampled, heard in parts], dim=-1)

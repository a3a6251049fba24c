"""The work of `tk-infer diffvc`: what one recording says, in the target's voice, as a wav.

The source is read, converted and voiced in a stream, so that memory does not grow with its length. Source of the steps:
inference.ipynb, huawei-noah/Speech-Backbones, DiffVC; what differs is told in command.HELP.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tk_tools.audio.faults import Faults
from tk_tools.audio.mel import mel_blocks
from tk_tools.audio.mel_presets import DIFFVC
from tk_tools.audio.speaker import load_encoder
from tk_tools.audio.vocoder import HOP, Vocoder, open_vocoder
from tk_tools.errors import InputError, WeightsError
from tk_tools.files.digest import stamp
from tk_tools.files.mel_file import write_mel_file
from tk_tools.files.provenance import Provenance, describe
from tk_tools.files.soundtrack import read_audio_blocks
from tk_tools.files.wav import write_wav
from tk_tools.models.diffvc.denoise import subtract_noise
from tk_tools.models.diffvc.networks import DiffVC
from tk_tools.models.diffvc.options import HIFIGAN, LONGEST_REFERENCE, NO_VOCODER, InferOptions
from tk_tools.models.diffvc.published import load_diffvc
from tk_tools.models.diffvc.segments import Segment, joined, segments
from tk_tools.models.diffvc.voice import Voice, read_voice
from tk_tools.nets.device import choose_device
from tk_tools.nets.noise import Noise, drawn_noise

SILENT = -9.0  # log-mel; what stays below, some -80 dBFS, holds no speech
BOUND = 20.0  # log-mel; no sound reaches it, and with what untrained networks make all arithmetic stays finite

_Stamp = tuple[Path, int]
"""A file, and when it was changed: what was read from it before serves as long as both are the same."""


def infer(source: Path, checkpoint: Path, speaker_weights: Path, *others: Any) -> dict[str, Any]:
    """Write a wav, or without a vocoder a NAME.mel.h5: what `source` says, said by the target.

    others: with options.vocoder HIFIGAN the vocoder's weights; the target's recordings; the file to write; the options,
    InferOptions. Facts: seconds, segments, target_seconds (of the reference), vocoder, "warning" for a silent source.
    InputError, WeightsError, OutputError: see read_voice, load_diffvc, open_vocoder, write_wav, write_mel_file.
    """
    *further, target, options = others
    made = describe(options, source, checkpoint, speaker_weights, *further)
    converter, vocoder = _opened(checkpoint, speaker_weights, further, options)
    parts = _Parts()
    faults = Faults(source, DIFFVC.fmax)
    mels = joined(_converted(segments(_frames(source, faults)), converter, options, parts))
    if vocoder is None:
        samples = HOP * _write_mel(target, mels, made)
    else:
        comment = made.comment(synthetic=True) if options.mark else made.comment()
        samples = write_wav(target, vocoder.blocks(mels), DIFFVC.sample_rate, comment=comment)
    facts: dict[str, Any] = {
        "seconds": round(samples / DIFFVC.sample_rate, 3),
        "segments": parts.count,
        "target_seconds": round(converter.voice.reference_seconds, 3),
        "vocoder": vocoder.name if vocoder else options.vocoder,
    }
    if parts.silent == parts.count:
        return facts | {"warning": "is silent, and so is the result"}
    return facts | faults.in_words()


def check_shared(checkpoint: Path, speaker_weights: Path, further: list[Path], options: InferOptions) -> str | None:
    """Look for faults in what all sources have in common, and raise them; a line for people where there is one to say.

    further: as the first of `others` of infer.
    """
    converter, _ = _opened(checkpoint, speaker_weights, further, options)
    voice = converter.voice
    told = [f"left out of the target: {path}: {why}" for path, why in voice.left_out.items()]
    if voice.seconds >= LONGEST_REFERENCE + 1:
        told.append(
            f"the target's recordings last {voice.seconds:.0f} s: all of them say whose voice it is, their first "
            f"{LONGEST_REFERENCE} s are what the decoder hears of it"
        )
    return "; ".join(told) or None


def check_weights(checkpoint: Path, speaker_weights: Path, further: list[Path], options: InferOptions) -> None:
    """As check_shared, of the weights alone: the voice may be any."""
    device = choose_device(options.device)
    load_diffvc(checkpoint)
    load_encoder(speaker_weights, device)
    _vocoder(stamp(further[0]) if options.vocoder == HIFIGAN else None, device)


class Converter:
    """A model that speaks with one voice on a device of torch; the model given is used up. voice: whose it is.

    It is made ready when it first converts: a run that finds all results there already does not wait for that.
    """

    def __init__(self, model: DiffVC, voice: Voice, steps: int, device: str = "cpu", precision: str = "fp32"):
        self.voice = voice
        self._model, self._steps, self._device, self._precision = model, steps, device, precision

    @torch.inference_mode()
    def convert(self, mel: np.ndarray, solver: str, noise: Noise) -> np.ndarray:
        """A log-mel (T, 80) of any voice -> (T, 80) float32 in this one."""
        heard = self._heard
        given = _batch(mel, self._device)
        _, made = self._model.convert_to(heard, given, _whole(given), solver, noise)
        if not made.isfinite().all():
            raise WeightsError("the decoder's mel is not finite; take other weights, or --precision fp32")
        return made[0].T.clamp(-BOUND, BOUND).cpu().numpy()

    @cached_property
    def _heard(self) -> torch.Tensor:
        """What the decoder knows of the voice in each step; makes the model ready.

        The encoder hears each of the references as the utterance that it is, the decoder one after another.
        """
        if torch.device(self._device).type == "cuda" and self._precision == "fp32":
            torch.backends.cudnn.allow_tf32 = False  # torch's default would round to ten bits
        model = self._model.to(self._device).for_inference(self._precision)
        references = [_batch(mel, self._device) for mel in self.voice.references]
        means = [model.encoder(mel, _whole(mel)) for mel in references]
        target, mean = (torch.cat(mels, dim=-1) for mels in (references, means))
        embedding = torch.from_numpy(self.voice.embedding)[None].to(self._device)
        return model.decoder.conditions(target, _whole(target), mean, embedding, self._steps)


class _Parts:
    """How many segments there were, and how many of them silent."""

    count = silent = 0


def _converted(cut: Iterator[Segment], converter: Converter, options: InferOptions, parts: _Parts) -> Iterator[Segment]:
    for mel, overlap in cut:
        noise = drawn_noise(options.seed, parts.count)
        parts.count += 1
        if mel.max() < SILENT:  # the decoder would murmur
            parts.silent += 1
        else:
            mel = converter.convert(mel, options.solver, noise)
            mel = subtract_noise(mel) if options.denoise else mel
        yield Segment(mel, overlap)


def _write_mel(target: Path, mels: Iterator[np.ndarray], made: Provenance) -> int:
    unit, rate = DIFFVC.summary, DIFFVC.sample_rate
    return write_mel_file(target, mels, preset=DIFFVC.name, sample_rate=rate, hop_length=HOP, unit=unit, made=made)


def _frames(source: Path, faults: Faults) -> Iterator[np.ndarray]:
    """The mel of a recording in pieces. InputError: it is too short for one frame, or cannot be read."""
    blocks = mel_blocks(faults.listen(read_audio_blocks(source, rate=DIFFVC.sample_rate, align=True)), DIFFVC)
    first = next(blocks, None)
    if first is None:
        raise InputError(f"is too short: a frame lasts {HOP / DIFFVC.sample_rate:.3f} s", path=source)
    yield first
    yield from blocks


def _batch(mel: np.ndarray, device: str | torch.device) -> torch.Tensor:
    """(T, 80) -> (1, 80, T)."""
    return torch.from_numpy(np.ascontiguousarray(mel.T, dtype=np.float32))[None].to(device)


def _whole(mel: torch.Tensor) -> torch.Tensor:
    """The mask (1, 1, T) of a mel (1, 80, T) without padding."""
    return torch.ones_like(mel[:, :1])


def _opened(
    checkpoint: Path, speaker_weights: Path, further: list[Path], options: InferOptions
) -> tuple[Converter, Vocoder | None]:
    weights, recordings = (further[0], further[1:]) if options.vocoder == HIFIGAN else (None, further)
    device = choose_device(options.device)
    vocoder = None if options.vocoder == NO_VOCODER else _vocoder(weights and stamp(weights), device)
    shared = stamp(checkpoint), stamp(speaker_weights), tuple(map(stamp, recordings))
    return _converter(*shared, options.steps, device, options.precision), vocoder


@lru_cache(maxsize=1)
def _converter(
    checkpoint: _Stamp, speaker_weights: _Stamp, recordings: tuple[_Stamp, ...], steps: int, device: str, precision: str
) -> Converter:
    model = load_diffvc(checkpoint[0])
    voice = read_voice([path for path, _ in recordings], load_encoder(speaker_weights[0], device))
    return Converter(model, voice, steps, device, precision)


@lru_cache(maxsize=1)
def _vocoder(weights: _Stamp | None, device: str) -> Vocoder:
    return open_vocoder(weights and weights[0], device)

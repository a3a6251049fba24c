"""The work of `tk-infer styletts2`: a text of any length, or phonemes, as speech.

Sentence by sentence, each in the style of the one before as far as it is carried on, so that memory does not grow with
the length. Source of the steps: the notebooks of yl4579/StyleTTS2; what differs is told in command.HELP.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from tk_tools.errors import InputError
from tk_tools.files.digest import stamp
from tk_tools.files.provenance import Provenance, describe
from tk_tools.files.soundtrack import read_audio_blocks
from tk_tools.files.wav import stream_wav, write_wav
from tk_tools.models.styletts2.networks import StyleTTS2
from tk_tools.models.styletts2.options import CONFIG_SUFFIXES, InferOptions
from tk_tools.models.styletts2.published import load_styletts2
from tk_tools.models.styletts2.reference import reference_style, sounds_like_speech
from tk_tools.models.styletts2.sizes import SAMPLE_RATE, STEP
from tk_tools.models.styletts2.speech import Spoken, check_voice, longest_sentence, speak
from tk_tools.nets.device import choose_device
from tk_tools.nets.noise import Noise, drawn_noise
from tk_tools.text.ids import phonemes_to_ids
from tk_tools.text.make_phonemes import Heard, PhonemizeOptions, say
from tk_tools.text.read_aloud import PAUSES, SHORTEST, Phrase, read_aloud

LONGEST_REFERENCE = 30  # seconds of a reference that are heard
CUT_PAUSE = 0.1  # seconds, within a sentence that was cut
QUIET = 40.0  # dB below a sentence's loudest stretch: what is quieter at its ends gives way to the steady pause
WINDOW = SAMPLE_RATE // 100  # samples over which loudness is taken
MARGIN = 3  # windows that are kept beside what is louder
FADE = SAMPLE_RATE // 100  # samples over which a cut end comes or goes
CLIPPED = 1e-3  # share of the samples beyond full scale from which it is told

_Stamp = tuple[Path, int]


def infer(source: Path, checkpoint: Path, *others: Any) -> dict[str, Any]:
    """Write `target` (.wav, 24 kHz): a text, or NAME.phonemes.txt, is said.

    others: the checkpoint's config.yml where there is one, the reference where one is given; target; options. Facts:
    seconds, sentences, "warning". InputError, WeightsError, OutputError: see read_aloud, speak, write_wav.
    """
    *beside, target, options = others
    made = describe(options, source, checkpoint, *beside)
    reading = Reading(source, *_opened(checkpoint, beside, options), options)
    write_wav(target, reading.blocks(), SAMPLE_RATE, comment=_comment(made, options))
    return reading.facts()


def stream(source: Path, checkpoint: Path, *others: Any) -> dict[str, Any]:
    """As infer, into an open binary file in the place of the target, sentence by sentence."""
    *beside, file, options = others
    made = describe(options, source, checkpoint, *beside)
    reading = Reading(source, *_opened(checkpoint, beside, options), options)
    stream_wav(file, reading.blocks(), SAMPLE_RATE, comment=_comment(made, options))
    return reading.facts()


def check_shared(checkpoint: Path, beside: tuple[Path, ...], options: InferOptions, *, text: bool) -> str | None:
    """Open what all texts have in common, so that its fault is told once; a line for people where there is one to say.

    beside: as the first of infer's others; text: whether there are texts, and not phonemes alone. WeightsError,
    InputError, ConfigError: see load_styletts2, reference_style, choose_device. MissingPackage, ConfigError: see
    Phonemiser.
    """
    if text:
        say("1", PhonemizeOptions(options.language))
    _opened(checkpoint, beside, options)
    _, reference = _told_apart(beside)
    return None if reference is None else _heard(*stamp(reference))[1]


def check_weights(checkpoint: Path, config: tuple[Path, ...], options: InferOptions) -> bool:
    """Open what texts have in common, whoever says them, and tell whether the weights have many voices.

    WeightsError, MissingPackage, ConfigError: as check_shared.
    """
    say("1", PhonemizeOptions(options.language))
    return _model(*_given(checkpoint, next(iter(config), None), options)).sizes.many_voices


class Reading:
    """One text as it is said: blocks of sound, and the facts when all have gone by."""

    def __init__(self, source: Path, model: StyleTTS2, voice: Tensor | None, options: InferOptions):
        self._source, self._model, self._voice, self._options = source, model, voice, options
        self._heard = Heard()
        self._sentences = self._samples = self._clipped = 0

    def blocks(self) -> Iterator[np.ndarray]:
        """(samples,) float32 at 24 kHz: the sentences, and the pauses between them."""
        options, before = self._options, None
        phrases = read_aloud(self._source, longest_sentence(self._model), options.language, self._heard)
        phrase = next(phrases)
        while phrase is not None:
            following = next(phrases, None)
            alone = self._sentences == 0 and following is None
            spoken = self._say(phrase, before, among_others=not alone)
            before = spoken.style
            yield self._counted(_without_quiet_ends(spoken.wave, first=self._sentences > 0, last=following is not None))
            if following is not None:
                yield self._counted(np.zeros(round(self._pause(phrase) * SAMPLE_RATE), np.float32))
            self._sentences += 1
            phrase = following

    def facts(self) -> dict[str, Any]:
        """seconds, sentences, and "warning" where there is something to tell."""
        facts = {"seconds": round(self._samples / SAMPLE_RATE, 3), "sentences": self._sentences}
        told = [self._heard.warning()]
        if self._clipped > CLIPPED * self._samples:
            told.append(f"{100 * self._clipped / self._samples:.1f} % of the samples made are beyond full scale")
        warning = "; ".join(filter(None, told))
        return facts | ({"warning": warning} if warning else {})

    def _say(self, phrase: Phrase, before: Tensor | None, among_others: bool) -> Spoken:
        ids = phonemes_to_ids(phrase.phonemes).ids[1:]
        noise = drawn_noise(self._options.seed, self._sentences)
        given = noise, self._options, self._voice, before, among_others
        if len(ids) < SHORTEST:
            return say_short(self._model, phrase.phonemes, *given)
        return speak(self._model, ids, *given)

    def _pause(self, phrase: Phrase) -> float:
        options = self._options
        return {"cut": CUT_PAUSE, "sentence": options.pause, "paragraph": options.paragraph_pause}[phrase.ends]

    def _counted(self, block: np.ndarray) -> np.ndarray:
        self._samples += len(block)
        self._clipped += int(np.count_nonzero(np.abs(block) > 1))
        return block


def say_short(
    model: StyleTTS2,
    phonemes: str,
    noise: Noise,
    options: InferOptions,
    voice: Tensor | None,
    before: Tensor | None,
    among_others: bool,
) -> Spoken:
    """Say less than what the networks were trained on by saying it several times, and keep the first: a word alone may
    become loud noise (yl4579/StyleTTS2, issue 46). Arguments as speak's, with phonemes in place of tokens."""
    text = phonemes.strip()
    text = text if text[-1] in PAUSES else f"{text} ."
    once, again = (phonemes_to_ids(part).ids[1:] for part in (text, f" {text}"))
    times = min(math.ceil(SHORTEST / len(again)), (longest_sentence(model) - len(once)) // len(again))
    spoken = speak(model, once + times * again, noise, options, voice, before, among_others)
    end = STEP * int(spoken.steps[: 1 + len(once)].sum())
    return replace(spoken, wave=_faded(spoken.wave[:end], first=False, last=True), steps=spoken.steps[: 1 + len(once)])


def _without_quiet_ends(wave: np.ndarray, first: bool, last: bool) -> np.ndarray:
    """A sentence without what is quiet at its beginning or at its end."""
    count = len(wave) // WINDOW
    power = np.square(wave[: count * WINDOW].reshape(count, WINDOW), dtype=np.float64).mean(axis=1)
    loud = np.flatnonzero(power > power.max(initial=0) * 10 ** (-QUIET / 10))
    if not len(loud):
        return wave
    begin = max(0, loud[0] - MARGIN) * WINDOW if first else 0
    end = (loud[-1] + 1 + MARGIN) * WINDOW if last else len(wave)
    return _faded(wave[begin:end], first, last)


def _faded(wave: np.ndarray, first: bool, last: bool) -> np.ndarray:
    """With ends that come and go within FADE samples."""
    slope = np.linspace(0, 1, min(FADE, len(wave)), dtype=np.float32)
    wave = wave.copy()
    if first:
        wave[: len(slope)] *= slope
    if last:
        wave[len(wave) - len(slope) :] *= slope[::-1]
    return wave


def _comment(made: Provenance, options: InferOptions) -> str:
    return made.comment(synthetic=True) if options.mark else made.comment()


def _told_apart(beside: tuple[Path, ...] | list[Path]) -> tuple[Path | None, Path | None]:
    """The config.yml and the reference among the files beside a checkpoint."""
    configs = [path for path in beside if path.name.lower().endswith(CONFIG_SUFFIXES)]
    references = [path for path in beside if path not in configs]
    return next(iter(configs), None), next(iter(references), None)


def _opened(
    checkpoint: Path, beside: tuple[Path, ...] | list[Path], options: InferOptions
) -> tuple[StyleTTS2, Tensor | None]:
    """The model on its device, and the style of the reference where one is given."""
    config, reference = _told_apart(beside)
    given = _given(checkpoint, config, options)
    model = _model(*given)
    check_voice(model, given=reference is not None)
    return model, None if reference is None else _voice(stamp(reference), *given)


def _given(checkpoint: Path, config: Path | None, options: InferOptions) -> tuple[_Stamp, _Stamp | None, str]:
    return stamp(checkpoint), config and stamp(config), choose_device(options.device)


@lru_cache(maxsize=1)
def _model(checkpoint: _Stamp, config: _Stamp | None, device: str) -> StyleTTS2:
    return load_styletts2(checkpoint[0], config and config[0]).to(device).for_inference()


@lru_cache(maxsize=1)
def _voice(reference: _Stamp, *model: Any) -> Tensor:
    try:
        return reference_style(_model(*model), _heard(*reference)[0])
    except InputError as error:
        raise InputError(error.message, path=reference[0]) from error


@lru_cache(maxsize=1)
def _heard(reference: Path, changed: int) -> tuple[np.ndarray, str | None]:
    """The beginning of a recording, (samples,) at 24 kHz, and what is to be told of it."""
    blocks, count, told = [], 0, []
    for block in read_audio_blocks(reference, rate=SAMPLE_RATE):
        blocks.append(block)
        count += len(block)
        if count > LONGEST_REFERENCE * SAMPLE_RATE:
            told.append(f"the first {LONGEST_REFERENCE} s of the reference are heard")
            break
    wave = np.concatenate(blocks)[: LONGEST_REFERENCE * SAMPLE_RATE]
    if not sounds_like_speech(wave):
        told.append("the reference hardly sounds like someone who speaks; music or noise give no voice")
    return wave, f"{reference}: {'; '.join(told)}" if told else None

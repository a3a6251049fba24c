"""Waveform -> speaker embedding, with the front end that the GE2E weights were trained behind.

16 kHz; quiet speech raised to -30 dBFS; silence cut out (webrtcvad); 40 mel bands; windows of 1.6 s, whose embeddings
are averaged. The two users of the weights differ in the step of the windows alone: Resemblyzer 77 frames, DiffVC 80.
All of it works in blocks, whose size has no part in the numbers, so that memory does not grow with the length.
Source: resemble-ai/Resemblyzer (audio.py, voice_encoder.py); the same in CorentinJ/Real-Time-Voice-Cloning and DiffVC.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tk_tools.audio.mel import mel_blocks
from tk_tools.audio.mel_presets import GE2E
from tk_tools.audio.speaker_presets import FRAMES, LEAST_SPEECH, STEPS
from tk_tools.errors import InputError

if TYPE_CHECKING:
    from tk_tools.nets.speaker_encoder import SpeakerEncoder

SAMPLE_RATE = GE2E.sample_rate  # Hz
LEAST_COVERAGE = 0.75  # of the last window; with less it is left out
LEAST_LEVEL = -30.0  # dBFS
VAD_WINDOW = 480  # samples, 30 ms
VAD_MODE = 3  # the strictest of webrtcvad
VAD_AVERAGE = 8  # windows that the flags are averaged over
VAD_REACH = 7  # windows that a stretch of speech is widened to, half of it to each side
_WINDOWS_AT_ONCE = 256  # bounds the memory of long recordings
_BLOCK = 1000 * VAD_WINDOW  # samples, 30 s: sums and flags are taken over blocks of this size, however the sound comes
_KEPT = 10  # blocks: what is no longer is held from the first pass to the second

Waveform = Callable[[], Iterable[np.ndarray]]
"""Gives the pieces of a waveform, (n,) float in [-1, 1] at 16 kHz, each time from its start: one longer than five
minutes is gone through twice, once for its level."""


class Windows(NamedTuple):
    """Windows of a recording: embeds (n, 256) float32, unit length; starts (n,) float64, where in the recording each
    begins, in seconds. Silence inside is passed over, so a window may reach further than 1.6 s."""

    embeds: np.ndarray
    starts: np.ndarray


def embed_utterance(
    encoder: SpeakerEncoder, samples: np.ndarray, *, step: int = STEPS["resemblyzer"], trim: bool = True
) -> np.ndarray:
    """The embedding of an utterance.

    Args: samples (n,) float in [-1, 1] at 16 kHz; step: frames from window to window (STEPS); trim: cut silence out.
    Returns (256,) float32 >= 0, unit length. Raises InputError for an empty or silent waveform, one in which less than
    LEAST_SPEECH seconds of speech are heard, and samples that are no numbers.
    """
    return average(windows.embeds for windows in embed_stream(encoder, lambda: [samples], step=step, trim=trim))


def embed_speaker(
    encoder: SpeakerEncoder, utterances: Sequence[np.ndarray], *, step: int = STEPS["resemblyzer"]
) -> np.ndarray:
    """The embedding (256,) of a speaker from utterances as in embed_utterance: their mean, at unit length."""
    return average([embed_utterance(encoder, samples, step=step)[None] for samples in utterances])


def embed_stream(encoder: SpeakerEncoder, waveform: Waveform, *, step: int, trim: bool = True) -> Iterator[Windows]:
    """The windows of a recording of any length, in blocks; `average` of their embeddings is embed_utterance's.

    Args and errors as in embed_utterance; too little speech is told at the end at the latest.
    """
    import torch

    device = encoder.linear.weight.device
    stretches = _Stretches()
    speech = stretches.passed(prepared_blocks(waveform, trim=trim))
    first = 0
    for mels in _window_mels(speech, step):
        with torch.inference_mode():
            embeds = encoder(torch.from_numpy(mels).to(device)).cpu().numpy()
        begins = (first + np.arange(len(mels))) * step * GE2E.hop_length
        yield Windows(embeds, stretches.in_source(begins) / SAMPLE_RATE)
        first += len(mels)


def average(embeds: Iterable[np.ndarray]) -> np.ndarray:
    """The mean of embeddings that come in blocks (n, 256), at unit length: (256,) float32."""
    total = sum(block.sum(axis=0, dtype=np.float64) for block in embeds)
    return (total / np.linalg.norm(total)).astype(np.float32)


def prepare(samples: np.ndarray, *, trim: bool = True) -> np.ndarray:
    """A waveform (n,) at 16 kHz as the mel takes it, float32: quiet speech raised, then silence cut out.

    InputError: empty, silent, or samples that are no numbers.
    """
    return _joined(speech.samples for speech in prepared_blocks(lambda: [samples], trim=trim))


class Speech(NamedTuple):
    """A piece of a recording without its silence: samples (n,) float32, and where it was taken from, `places`
    (-(-n // 480),): the first sample of each 30 ms of it."""

    samples: np.ndarray
    places: np.ndarray


def prepared_blocks(waveform: Waveform, *, trim: bool = True) -> Iterator[Speech]:
    """`prepare` in blocks, of 30 s at the most."""
    gain, kept = _gain(waveform)
    blocks = kept or _blocks(waveform())
    raised = (block * gain for block in blocks) if gain > 1 else blocks
    if trim:
        return _speech(raised)
    return (
        Speech(block, number * _BLOCK + np.arange(0, len(block), VAD_WINDOW)) for number, block in enumerate(raised)
    )


def cut_silence(samples: np.ndarray) -> np.ndarray:
    """The windows of a waveform (n,) at 16 kHz that hold speech, joined; what does not fill the last one is dropped."""
    return _joined(speech.samples for speech in _speech(_blocks([samples])))


def speech_flags(samples: np.ndarray) -> np.ndarray:
    """Whether webrtcvad hears speech in each whole window of 30 ms: (n // 480,) bool."""
    windows = len(samples) // VAD_WINDOW
    return _Listener().flags(samples[: windows * VAD_WINDOW].reshape(windows, VAD_WINDOW))


def window_starts(samples: int, step: int) -> range:
    """First frames (of 10 ms) of the windows of a waveform of `samples` samples; the last may reach beyond its end."""
    frames = -(-(samples + 1) // GE2E.hop_length)
    starts = range(0, max(1, frames - FRAMES + step + 1), step)
    covered = (samples - starts[-1] * GE2E.hop_length) / (FRAMES * GE2E.hop_length)
    return starts[:-1] if covered < LEAST_COVERAGE and len(starts) > 1 else starts


@functools.lru_cache(maxsize=2)
def load_encoder(weights: Path, device: str = "cpu") -> SpeakerEncoder:
    """The published encoder from its file (`tk-weights`: ge2e), ready to embed. WeightsError: not its weights."""
    from tk_tools.nets.speaker_encoder import SpeakerEncoder
    from tk_tools.weights.load import load_state_dict, load_strictly

    encoder = load_strictly(SpeakerEncoder(), load_state_dict(weights), weights, "the GE2E speaker encoder")
    return encoder.eval().to(device)


def _gain(waveform: Waveform) -> tuple[np.float32, list[np.ndarray]]:
    """What a waveform is multiplied with, 1 unless it is quieter than LEAST_LEVEL; its blocks, none of a long one."""
    power, count = 0.0, 0
    kept: list[np.ndarray] = []
    for number, block in enumerate(_blocks(waveform())):
        kept = [*kept, block] if number < _KEPT else []
        if not np.isfinite(block).all():
            raise InputError("the sound has samples that are no numbers")
        power += float(np.sum(np.square(block, dtype=np.float64)))
        count += len(block)
    if not count:
        raise InputError("the sound is empty")
    if power == 0:
        raise InputError("the sound is silent")
    return np.float32(max(1.0, 10 ** ((LEAST_LEVEL - 10 * np.log10(power / count)) / 20))), kept


def _blocks(pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Pieces of any size as float32 blocks of _BLOCK samples, the last one shorter."""
    held: list[np.ndarray] = []
    size = 0
    for piece in pieces:
        held.append(np.asarray(piece, dtype=np.float32))
        size += len(piece)
        if size >= _BLOCK:
            joined = np.concatenate(held)
            whole = size - size % _BLOCK
            yield from joined[:whole].reshape(-1, _BLOCK)
            held, size = [joined[whole:]], size - whole
    if size:
        yield np.concatenate(held)


class _Listener:
    """webrtcvad; it remembers what it heard, so that a waveform must come in order, and whole."""

    def __init__(self):
        import webrtcvad

        self._detector = webrtcvad.Vad(mode=VAD_MODE)

    def flags(self, windows: np.ndarray) -> np.ndarray:
        """Whether there is speech in each window of the next ones (n, 480): (n,) bool."""
        pcm = np.clip(np.round(windows * 32767.0), -32768, 32767).astype(np.int16)
        return np.array([self._detector.is_speech(window.tobytes(), SAMPLE_RATE) for window in pcm], bool)


_BEFORE = (VAD_AVERAGE - 1) // 2 + VAD_REACH // 2  # windows whose flags a window's own fate hangs on, as do its own
_BEHIND = VAD_AVERAGE // 2 + VAD_REACH // 2


def _speech(blocks: Iterable[np.ndarray]) -> Iterator[Speech]:
    """Blocks of a waveform, each but the last of whole windows of 30 ms, without the windows of silence."""
    listener = _Listener()
    flags = np.zeros(_BEFORE, bool)
    held = np.zeros((0, VAD_WINDOW), np.float32)
    first = 0  # number of the first window that is held
    for block in chain(blocks, [None]):
        if block is None:
            heard = np.zeros(_BEHIND, bool)
        else:
            windows = block[: len(block) - len(block) % VAD_WINDOW].reshape(-1, VAD_WINDOW)
            heard, held = listener.flags(windows), np.concatenate([held, windows])
        flags = np.concatenate([flags, heard])
        ready = max(0, len(flags) - _BEFORE - _BEHIND)
        if not ready:
            continue
        # Half of the windows flagged is silence: the original rounds the average, a half to even.
        busy = np.lib.stride_tricks.sliding_window_view(flags, VAD_AVERAGE).sum(axis=1) > VAD_AVERAGE / 2
        speech = np.lib.stride_tricks.sliding_window_view(busy, VAD_REACH).any(axis=1)
        yield Speech(held[:ready][speech].ravel(), (first + np.flatnonzero(speech)) * VAD_WINDOW)
        flags, held, first = flags[ready:], held[ready:], first + ready


class _Stretches:
    """Where in a recording the samples of its speech lie."""

    def __init__(self):
        self._places: list[np.ndarray] = []

    def passed(self, blocks: Iterable[Speech]) -> Iterator[np.ndarray]:
        """The samples of the blocks, whose places are remembered."""
        for block in blocks:
            self._places.append(block.places)
            yield block.samples

    def in_source(self, samples: np.ndarray) -> np.ndarray:
        """Samples of the speech, by number, as those of the recording."""
        self._places = [np.concatenate(self._places)]
        return self._places[0][samples // VAD_WINDOW] + samples % VAD_WINDOW


def _window_mels(speech: Iterable[np.ndarray], step: int) -> Iterator[np.ndarray]:
    """Mels of the windows of prepared speech, in blocks (windows, 160, 40) float32."""
    waiting: list[np.ndarray] = []
    held, start = np.zeros((0, GE2E.n_mels), np.float32), 0
    for columns in mel_blocks(_filled_up(speech, step), GE2E):
        held = np.concatenate([held[start:], columns])
        start = 0
        while len(held) - start >= FRAMES:
            waiting.append(held[start : start + FRAMES])
            start += step
            if len(waiting) == _WINDOWS_AT_ONCE:
                yield np.stack(waiting)
                waiting = []
    if waiting:
        yield np.stack(waiting)


def _filled_up(speech: Iterable[np.ndarray], step: int) -> Iterator[np.ndarray]:
    """Speech with zeros up to the end of its last window. InputError: there is too little of it."""
    count = 0
    for samples in speech:
        count += len(samples)
        yield samples
    if not count:
        raise InputError(f"no speech is heard in it; at least {LEAST_SPEECH:g} s are needed")
    if count < LEAST_SPEECH * SAMPLE_RATE:
        raise InputError(
            f"{count / SAMPLE_RATE:.2f} s of speech are heard in it; at least {LEAST_SPEECH} s are needed to tell a "
            "voice, 2 s or more are better"
        )
    end = (window_starts(count, step)[-1] + FRAMES) * GE2E.hop_length
    if end > count:
        yield np.zeros(end - count, np.float32)


def _joined(pieces: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0, np.float32), *pieces])

"""Waveform -> speaker embedding, with the front end that the GE2E weights were trained behind.

16 kHz; quiet speech raised to -30 dBFS; silence cut out (webrtcvad); 40 mel bands; windows of 1.6 s, whose embeddings
are averaged. The two users of the weights differ in the step of the windows alone: Resemblyzer 77 frames, DiffVC 80.
Source: resemble-ai/Resemblyzer (audio.py, voice_encoder.py); the same in CorentinJ/Real-Time-Voice-Cloning and DiffVC.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tk_tools.audio.mel import mel
from tk_tools.audio.mel_presets import GE2E
from tk_tools.errors import InputError

if TYPE_CHECKING:
    from tk_tools.nets.speaker_encoder import SpeakerEncoder

SAMPLE_RATE = GE2E.sample_rate  # Hz
FRAMES = 160  # of a window, 1.6 s
STEPS = {"resemblyzer": 77, "diffvc": 80}  # frames from window to window
LEAST_COVERAGE = 0.75  # of the last window; with less it is left out
LEAST_LEVEL = -30.0  # dBFS
VAD_WINDOW = 480  # samples, 30 ms
VAD_MODE = 3  # the strictest of webrtcvad
VAD_AVERAGE = 8  # windows that the flags are averaged over
VAD_REACH = 7  # windows that a stretch of speech is widened to, half of it to each side
_WINDOWS_AT_ONCE = 256  # bounds the memory of long recordings


def embed_utterance(
    encoder: SpeakerEncoder, samples: np.ndarray, *, step: int = STEPS["resemblyzer"], trim: bool = True
) -> np.ndarray:
    """The embedding of an utterance.

    Args: samples (n,) float in [-1, 1] at 16 kHz; step: frames from window to window (STEPS); trim: cut silence out.
    Returns (256,) float32 >= 0, unit length. Raises InputError for an empty or silent waveform, one in which no speech
    is heard, and samples that are no numbers.
    """
    prepared = prepare(samples, trim=trim)
    if not len(prepared):
        raise InputError("no speech is heard in it")
    return _unit(embed_windows(encoder, prepared, step=step).mean(axis=0))


def embed_speaker(
    encoder: SpeakerEncoder, utterances: Sequence[np.ndarray], *, step: int = STEPS["resemblyzer"]
) -> np.ndarray:
    """The embedding (256,) of a speaker from utterances as in embed_utterance: their mean, at unit length."""
    return _unit(np.mean([embed_utterance(encoder, samples, step=step) for samples in utterances], axis=0))


def prepare(samples: np.ndarray, *, trim: bool = True) -> np.ndarray:
    """The waveform (n,) at 16 kHz as the mel takes it: volume, then silence; float32. InputError: as embed_utterance."""
    samples = np.asarray(samples, dtype=np.float32)
    if not len(samples):
        raise InputError("the sound is empty")
    if not np.isfinite(samples).all():
        raise InputError("the sound has samples that are no numbers")
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    if power == 0:
        raise InputError("the sound is silent")
    gain = 10 ** ((LEAST_LEVEL - 10 * np.log10(power)) / 20)
    if gain > 1:
        samples = samples * np.float32(gain)
    return cut_silence(samples) if trim else samples


def cut_silence(samples: np.ndarray) -> np.ndarray:
    """The windows of a waveform (n,) at 16 kHz that hold speech, joined; what does not fill the last one is dropped."""
    from scipy.ndimage import binary_dilation

    flags = speech_flags(samples)
    before, after = (VAD_AVERAGE - 1) // 2, VAD_AVERAGE // 2
    padded = np.pad(flags.astype(np.float64), (before, after))
    averages = np.lib.stride_tricks.sliding_window_view(padded, VAD_AVERAGE).mean(axis=1)
    # np.round takes a half to even: with half of the windows flagged it is silence, as in the original
    speech = binary_dilation(np.round(averages).astype(bool), np.ones(VAD_REACH))
    return samples[: len(flags) * VAD_WINDOW][np.repeat(speech, VAD_WINDOW)]


def speech_flags(samples: np.ndarray) -> np.ndarray:
    """Whether webrtcvad hears speech in each whole window of 30 ms: (n // 480,) bool."""
    import webrtcvad

    detector = webrtcvad.Vad(mode=VAD_MODE)
    windows = len(samples) // VAD_WINDOW
    pcm = np.clip(np.round(samples[: windows * VAD_WINDOW] * 32767.0), -32768, 32767).astype(np.int16)
    return np.array([detector.is_speech(w.tobytes(), SAMPLE_RATE) for w in pcm.reshape(windows, VAD_WINDOW)], bool)


def window_starts(samples: int, step: int) -> range:
    """First frames (of 10 ms) of the windows of a waveform of `samples` samples; the last may reach beyond its end."""
    frames = -(-(samples + 1) // GE2E.hop_length)
    starts = range(0, max(1, frames - FRAMES + step + 1), step)
    covered = (samples - starts[-1] * GE2E.hop_length) / (FRAMES * GE2E.hop_length)
    return starts[:-1] if covered < LEAST_COVERAGE and len(starts) > 1 else starts


def window_mels(samples: np.ndarray, step: int) -> np.ndarray:
    """Mels of the windows of a prepared waveform: (windows, 160, 40) float32."""
    starts = window_starts(len(samples), step)
    end = (starts[-1] + FRAMES) * GE2E.hop_length
    columns = mel(np.pad(samples, (0, max(0, end - len(samples)))), GE2E)
    return np.stack([columns[start : start + FRAMES] for start in starts])


def embed_windows(encoder: SpeakerEncoder, samples: np.ndarray, *, step: int) -> np.ndarray:
    """Embeddings (windows, 256) of the windows of a prepared waveform."""
    import torch

    mels = torch.from_numpy(window_mels(samples, step))
    device = encoder.linear.weight.device
    with torch.inference_mode():
        parts = [encoder(part.to(device)).cpu() for part in mels.split(_WINDOWS_AT_ONCE)]
    return torch.cat(parts).numpy()


@functools.lru_cache(maxsize=2)
def load_encoder(weights: Path, device: str = "cpu") -> SpeakerEncoder:
    """The published encoder from its file (`tk-weights`: ge2e), ready to embed. WeightsError: not its weights."""
    from tk_tools.nets.speaker_encoder import SpeakerEncoder
    from tk_tools.weights.load import load_state_dict, load_strictly

    encoder = load_strictly(SpeakerEncoder(), load_state_dict(weights), weights, "the GE2E speaker encoder")
    return encoder.eval().to(device)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)

"""A recording of a voice -> its style, which StyleTTS 2 of many voices speaks in."""

from __future__ import annotations

import numpy as np
import torch

from tk_tools.audio.mel import mel
from tk_tools.audio.mel_presets import STYLETTS2
from tk_tools.errors import InputError
from tk_tools.models.styletts2.networks import StyleTTS2
from tk_tools.models.styletts2.sizes import HOP, SAMPLE_RATE
from tk_tools.models.styletts2.style_encoder import FEWEST_FRAMES

QUIET = 30.0  # dB below the loudest stretch: what is quieter before and behind the speech is cut off
SILENT = 1e-4  # of full scale; a recording whose samples stay below is silent
WINDOW = SAMPLE_RATE // 50  # samples over which loudness is taken
LEAST_QUIET = 0.15  # share of a second's windows below half its mean loudness: speech has a third and more


def sounds_like_speech(wave: np.ndarray) -> bool:
    """Whether loudness rises and falls as it does between syllables; that of music and of noise hardly does.

    wave: (samples,) float32 at 24 kHz. Source: Scheirer and Slaney, "Construction and Evaluation of a Robust
    Multifeature Speech/Music Discriminator", ICASSP 1997 (the share of low-energy frames).
    """
    seconds = len(wave) // SAMPLE_RATE
    if not seconds:
        return True  # too little to tell
    windows = wave[: seconds * SAMPLE_RATE].reshape(seconds, -1, WINDOW)
    loudness = np.sqrt(np.square(windows, dtype=np.float64).mean(axis=-1))
    quiet = loudness < 0.5 * loudness.mean(axis=1, keepdims=True)
    return float(quiet.mean()) >= LEAST_QUIET


@torch.inference_mode()
def reference_style(model: StyleTTS2, wave: np.ndarray) -> torch.Tensor:
    """The style (1, 2 S) of a recording (samples,) float32 at 24 kHz, its quiet ends cut off, on the model's device.

    InputError: it is silent, or too short for the style encoders.
    """
    import librosa

    wave = np.asarray(wave, dtype=np.float32)
    if not len(wave) or np.abs(wave).max() < SILENT:
        raise InputError("the reference is silent; give a recording of the voice")
    speech, _ = librosa.effects.trim(wave, top_db=QUIET)
    frames = 1 + len(speech) // HOP
    if frames < FEWEST_FRAMES:
        least = FEWEST_FRAMES * HOP / SAMPLE_RATE
        raise InputError(
            f"the reference has {len(speech) / SAMPLE_RATE:.2f} s of speech, and {least:.1f} s is the least; give a "
            "longer recording of the voice"
        )
    heard = torch.from_numpy(np.ascontiguousarray(mel(speech, STYLETTS2).T))[None]
    return model.styles(heard.to(model.bert_encoder.weight.device))

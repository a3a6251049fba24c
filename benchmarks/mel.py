"""Seconds of speech a second that become the mel of DiffVC: ours as tk-mel runs it, beside librosa's melspectrogram.

python -m benchmarks.mel
A minute of noise at 22.05 kHz, padded beforehand for librosa, which then does the same steps; one core, one thread,
processor time, in turn.
"""

from __future__ import annotations

import time

import librosa
import numpy as np

from benchmarks.measure import in_turn, one_core, report
from tk_tools.audio.mel import mel
from tk_tools.audio.mel_presets import DIFFVC

SECONDS = 60


def main() -> None:
    one_core()
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, SECONDS * DIFFVC.sample_rate).astype(np.float32)

    def theirs() -> np.ndarray:
        whole = samples[: len(samples) // DIFFVC.hop_length * DIFFVC.hop_length]
        padded = np.pad(whole, DIFFVC.padding, mode=DIFFVC.pad_mode)
        bands = librosa.feature.melspectrogram(
            y=padded, sr=DIFFVC.sample_rate, n_fft=DIFFVC.n_fft, hop_length=DIFFVC.hop_length, center=False, power=1.0,
            n_mels=DIFFVC.n_mels, fmin=DIFFVC.fmin, fmax=DIFFVC.fmax,
        )  # fmt: skip
        return np.log(np.maximum(bands, 1e-5)).T

    difference = float(np.abs(mel(samples, DIFFVC) - theirs()).max())
    ours, other = (SECONDS / taken for taken in in_turn(lambda: mel(samples, DIFFVC), theirs, clock=time.process_time))
    row = {"what": "a minute at 22.05 kHz, one core", "speech_seconds_per_second": ours}
    row |= {"original_speech_seconds_per_second": other, "ratio": ours / other, "largest_difference": difference}
    report("mel", [row])


if __name__ == "__main__":
    main()

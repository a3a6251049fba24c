"""What can be chosen when speech is measured; light, so that commands can list it."""

from __future__ import annotations

DISTORTIONS = ("espnet", "kubichek")  # what each is: metrics.mel_cepstral_distortion
WARPING = {16000: (23, 0.42), 22050: (34, 0.45), 24000: (34, 0.46), 44100: (39, 0.53), 48000: (39, 0.55)}
"""Order and all-pass coefficient of mel-cepstra at each sample rate in Hz, as ESPnet takes them."""
TRACKERS = ("pyin", "harvest")  # of F0: audio.pitch
RECOGNISER = "small"  # a size of Whisper
OFFLINE_RECOGNISER = "pocketsphinx"

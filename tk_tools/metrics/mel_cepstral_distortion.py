"""Mel-cepstral distortion (MCD) of two waveforms, in dB, after dynamic time warping.

espnet: SPTK's mel-cepstra with c0, FastDTW, 10 / ln 10 sqrt(2 sum of squares), as ESPnet's evaluate_mcd, which most
papers on speech synthesis and voice conversion report. kubichek: the cosine transform of 20 log mel bands, coefficients
1 to 15, as the package mel-cepstral-distance has it after Kubichek, 1993; the two cannot be set against one another.
"""

from __future__ import annotations

import io

import numpy as np

from tk_tools.audio.mel_cepstrum import FRAME, HOP, mel_cepstra
from tk_tools.errors import MissingPackage
from tk_tools.metrics.time_warp import warp

DECIBELS = 10 / np.log(10) * np.sqrt(2)  # of a Euclidean distance of mel-cepstra


def distortion_along_path(made: np.ndarray, reference: np.ndarray, rate: int) -> tuple[float, np.ndarray]:
    """MCD as ESPnet has it, and the path (steps, 2) that it was taken along, in seconds (made, reference).

    made, reference: waveforms (n,) float in [-1, 1], n >= FRAME, at `rate` Hz, one of speech_choices.WARPING.
    """
    first, second = mel_cepstra(made, rate), mel_cepstra(reference, rate)
    path = warp(first, second)
    apart = np.linalg.norm(first[path[:, 0]] - second[path[:, 1]], axis=1)
    return float(DECIBELS * apart.mean()), (path * HOP + FRAME / 2) / rate


def kubichek_distortion(made: np.ndarray, reference: np.ndarray, rate: int) -> float:
    """MCD of waveforms as above by mel-cepstral-distance, with its defaults. MissingPackage: it is not installed."""
    check_definition("kubichek")
    from mel_cepstral_distance import compare_audio_files

    return float(compare_audio_files(_wav(made, rate), _wav(reference, rate))[0])


def check_definition(name: str) -> None:
    """MissingPackage: what computes the definition `name` (of speech_choices.DISTORTIONS) is not installed."""
    if name == "kubichek":
        try:
            import mel_cepstral_distance  # noqa: F401
        except ImportError:
            raise MissingPackage(
                "MCD after Kubichek needs a package; install it with: pip install mel-cepstral-distance"
            ) from None


def _wav(samples: np.ndarray, rate: int) -> io.BytesIO:
    from scipy.io import wavfile

    file = io.BytesIO()
    wavfile.write(file, rate, np.asarray(samples, np.float32))
    file.seek(0)
    return file

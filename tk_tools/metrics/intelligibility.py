"""STOI and ESTOI by pystoi, and PESQ by pesq: what a listener is thought to understand, and to think of it.

Sources: Taal et al., 2011; Jensen and Taal, 2016; ITU-T P.862.2 (wide band, 16 kHz).
"""

from __future__ import annotations

import warnings

import numpy as np

from tk_tools.errors import InputError, MissingPackage

SAMPLE_RATE = 16000  # Hz
LONGEST_PESQ = 60  # seconds: P.862 is for some 8 to 30, and the package pesq crashes the process from about 118 on


def stoi(made: np.ndarray, reference: np.ndarray, extended: bool = False) -> float:
    """STOI, or ESTOI, about 0 to 1, of waveforms (n,) of one length at 16 kHz, sample beside sample.

    InputError: the reference has less than 0.4 s of speech.
    """
    import pystoi

    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Not enough STFT frames")  # it then gives 1e-5
        try:
            return float(pystoi.stoi(reference, made, SAMPLE_RATE, extended=extended))
        except RuntimeWarning as error:
            raise InputError("less than 0.4 s of speech in the reference") from error


def check_pesq() -> None:
    """MissingPackage: pesq is not installed."""
    try:
        import pesq  # noqa: F401
    except ImportError:
        raise MissingPackage("its package is not installed; install it with: pip install pesq") from None


def pesq_score(made: np.ndarray, reference: np.ndarray) -> float:
    """Wide-band PESQ (MOS-LQO, 1.0 to 4.64) of waveforms (n,) at 16 kHz.

    InputError: it hears no speech, less than 0.25 s is there, or more than LONGEST_PESQ. MissingPackage: as check_pesq.
    """
    if len(reference) > LONGEST_PESQ * SAMPLE_RATE:
        raise InputError(f"longer than {LONGEST_PESQ} s, which PESQ is not made for")
    check_pesq()
    import pesq

    try:
        return float(pesq.pesq(SAMPLE_RATE, reference, made, mode="wb"))
    except pesq.NoUtterancesError as error:
        raise InputError("PESQ hears no speech") from error
    except pesq.BufferTooShortError as error:
        raise InputError("shorter than 0.25 s") from error

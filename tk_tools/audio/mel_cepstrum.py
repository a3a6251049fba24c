"""Waveform -> mel-cepstra as SPTK's mcep gives them, all frames at once: what mel-cepstral distortion is taken from.

The minimum of the unbiased log-spectral criterion on a warped frequency axis, by Newton's method: Tokuda, Kobayashi,
Fukada and Imai, 1995; SPTK 3 (mcep), whose stopping rule decides the last digits. Frames, orders and warping are those
of ESPnet's evaluate_mcd.
"""

from __future__ import annotations

import functools

import numpy as np
from scipy import fft, signal

from tk_tools.audio.speech_choices import WARPING

FRAME = 1024  # samples
HOP = 256  # samples
FLOOR = 1e-6  # added to the power of 16-bit values
ITERATIONS = (2, 30)  # least, most
TOLERANCE = 0.001  # of the gain's relative change, which ends a frame's iterations
_FRAMES_AT_ONCE = 2048  # bounds the memory of long recordings


def mel_cepstra(samples: np.ndarray, rate: int) -> np.ndarray:
    """(frames, order + 1) float64 of a waveform (n,) float in [-1, 1] with n >= 1024, c0 first.

    rate: Hz, one of WARPING. Frame i covers samples 256 i to 256 i + 1023.
    """
    if len(samples) < FRAME:
        raise ValueError(f"{len(samples)} samples are shorter than a frame of {FRAME}")
    order, alpha = WARPING[rate]
    frames = np.lib.stride_tricks.sliding_window_view(32768.0 * np.asarray(samples, np.float64), FRAME)[::HOP]
    window = signal.windows.hamming(FRAME, sym=True)
    window /= np.sqrt(np.sum(window**2))  # as SPTK's windows: of power one
    blocks = range(0, len(frames), _FRAMES_AT_ONCE)
    return np.concatenate([_analyse(frames[at : at + _FRAMES_AT_ONCE] * window, order, alpha) for at in blocks])


def _analyse(frames: np.ndarray, order: int, alpha: float) -> np.ndarray:
    """Windowed frames (n, FRAME) -> (n, order + 1)."""
    to_mel, from_mel = _warping(order, alpha)
    power = np.abs(fft.rfft(frames, axis=1)) ** 2 + FLOOR  # (n, FRAME // 2 + 1)
    cepstrum = fft.irfft(np.log(power), axis=1)[:, : FRAME // 2 + 1]
    cepstrum[:, [0, -1]] *= 0.5
    found = cepstrum @ to_mel.T
    gain = found[:, 0].copy()
    target = (-alpha) ** np.arange(order + 1)
    place = np.arange(order + 1)
    toeplitz, hankel = np.abs(place[:, None] - place), place[:, None] + place
    least, most = ITERATIONS
    active = np.arange(len(frames))
    for iteration in range(1, most + 1):
        envelope = fft.rfft(found[active] @ from_mel[:, : order + 1].T, n=FRAME, axis=1).real
        ratio = fft.irfft(power[active] * np.exp(-2 * envelope), axis=1)[:, : FRAME // 2 + 1]
        warped = ratio @ from_mel  # (n, 2 order + 1), the ratio's autocorrelation on the mel axis
        if iteration >= least:
            change = np.abs((warped[:, 0] - gain[active]) / warped[:, 0])
            gain[active] = warped[:, 0]
            active, warped = active[change >= TOLERANCE], warped[change >= TOLERANCE]
            if not len(active):
                break
        slope = warped[:, : order + 1] - target
        found[active] += np.linalg.solve(warped[:, toeplitz] + warped[:, hankel], slope[:, :, None])[:, :, 0]
    return found


@functools.cache
def _warping(order: int, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """The maps of cepstra onto the mel axis, (order + 1, FRAME // 2 + 1), and back, (FRAME // 2 + 1, 2 order + 1)."""
    length = FRAME // 2 + 1
    return _powers(alpha, order + 1, length), _powers(-alpha, length, 2 * order + 1)


def _powers(alpha: float, length: int, count: int) -> np.ndarray:
    """(length, count): column n is the impulse response of the n-th power of (alpha + z^-1) / (1 + alpha z^-1)."""
    column = np.zeros(length)
    column[0] = 1
    columns = [column]
    for _ in range(count - 1):
        columns.append(signal.lfilter([alpha, 1], [1, alpha], columns[-1]))
    return np.stack(columns, axis=1)

"""Sound at another rate by a Kaiser-windowed sinc, read from a table: the numbers of resampy's `kaiser_best`.

What published speech features were made with. The table is stepped through in whole entries, as resampy does, which
soxr and scipy do not: beside them the result differs by a thousandth. Everything else in the box takes files.resample.
Source: bmcfee/resampy 0.4 (ISC); Smith, "Digital audio resampling", 2002.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator

import numpy as np
from scipy.signal import windows

from tk_tools.files.resample import resampled

ZEROS = 50  # zero crossings on either side
TABLE = 8192  # entries from one to the next
ROLL_OFF = 0.9173473712608761  # of the Nyquist frequency
BETA = 12.984585247040012
_LARGEST = 1 << 23  # numbers in a matrix: two rates of a longer common period go through soxr
_OUTPUTS = 160  # of a row of a product, at least
_ROWS = 64  # of a product, always: its rounding depends on its size


def kaiser_resampled(pieces: Iterable[np.ndarray], rate_in: int, rate_out: int) -> Iterator[np.ndarray]:
    """A waveform in pieces, (n,) float, at another rate; rates in Hz. Yields (m,) float64, together
    floor(n rate_out / rate_in) samples. The numbers do not depend on how it is cut.
    """
    if rate_in == rate_out:
        yield from (np.asarray(piece, np.float64) for piece in pieces)
        return
    divisor = math.gcd(rate_in, rate_out)
    reach = math.ceil(ZEROS / min(1.0, rate_out / rate_in)) + 1
    periods = -(-_OUTPUTS * divisor // rate_out)
    step, outputs = periods * rate_in // divisor, periods * rate_out // divisor
    if (step + 2 * reach) * outputs > _LARGEST:
        floats = (np.asarray(piece, np.float32) for piece in pieces)
        yield from (piece.astype(np.float64) for piece in resampled(floats, rate_in, rate_out))
        return
    matrix = _matrix(rate_in, rate_out, step, outputs, reach)
    held, seen, given = [np.zeros(reach)], 0, 0
    size, span = reach, len(matrix)
    for piece in pieces:
        held.append(np.asarray(piece, np.float64))
        seen, size = seen + len(piece), size + len(piece)
        rows = (size - span) // step + 1
        if rows >= _ROWS:
            rows -= rows % _ROWS
            samples = np.concatenate(held)
            for start in range(0, rows * step, _ROWS * step):
                yield _product(samples[start:], matrix, step)
                given += _ROWS * outputs
            held, size = [samples[rows * step :]], size - rows * step
    samples = np.concatenate(held)
    left = seen * rate_out // rate_in - given
    while left > 0:
        whole = _ROWS * step + span
        yield _product(np.pad(samples[:whole], (0, max(0, whole - len(samples)))), matrix, step)[:left]
        samples, left = samples[_ROWS * step :], left - _ROWS * outputs


def _product(samples: np.ndarray, matrix: np.ndarray, step: int) -> np.ndarray:
    """_ROWS x outputs samples at the new rate, (n,), of those from `reach` before the first one on."""
    windows_ = np.lib.stride_tricks.sliding_window_view(samples, len(matrix))[: _ROWS * step : step]
    return (windows_ @ matrix).ravel()


@functools.lru_cache(maxsize=4)
def _matrix(rate_in: int, rate_out: int, step: int, outputs: int, reach: int) -> np.ndarray:
    """(step + 2 reach, outputs): what each sample, from `reach` before the first output on, adds to each output."""
    scale = min(1.0, rate_out / rate_in)
    table, stride = scale * _table(), int(scale * TABLE)
    slopes = np.diff(table, append=table[-1])
    matrix = np.zeros((step + 2 * reach, outputs))
    for output in range(outputs):
        place, remainder = divmod(output * rate_in, rate_out)
        fraction = scale * remainder / rate_out
        for wing, first, direction in ((fraction, place, -1), (scale - fraction, place + 1, 1)):
            index = int(wing * TABLE)
            entries = np.arange(index, len(table) - stride + 1, stride)
            weights = table[entries] + (wing * TABLE - index) * slopes[entries]
            matrix[reach + first + direction * np.arange(len(entries)), output] = weights
    return matrix


@functools.cache
def _table() -> np.ndarray:
    """The right half of the filter, (ZEROS x TABLE + 1,) float64."""
    places = np.arange(ZEROS * TABLE + 1) / TABLE
    window = windows.kaiser(2 * ZEROS * TABLE + 1, BETA)[ZEROS * TABLE :]
    return ROLL_OFF * np.sinc(ROLL_OFF * places) * window

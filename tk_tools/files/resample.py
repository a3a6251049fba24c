"""Sound at another rate, as a stream: soxr in quality HQ, the one resampler of the box."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np


def resampled(pieces: Iterable[np.ndarray], rate_in: int, rate_out: int) -> Iterator[np.ndarray]:
    """A waveform in pieces, (n,) float32, at another rate; rates in Hz. The numbers do not depend on how it is cut."""
    import soxr

    stream = soxr.ResampleStream(rate_in, rate_out, num_channels=1, dtype="float32", quality="HQ")
    for piece in pieces:
        # in short steps, so that the numbers do not depend on the size of the pieces
        for start in range(0, len(piece), rate_in):
            yield stream.resample_chunk(np.ascontiguousarray(piece[start : start + rate_in]), last=False)
    yield stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True)

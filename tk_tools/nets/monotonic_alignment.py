"""Monotonic alignment search: which frames belong to which token, given a score for each pair of them.

The path goes through all tokens in order, each with one frame or more, and has the greatest sum of scores. Compiled by
numba at the first call, no compiler needed. Source: Kim et al., Glow-TTS (2020), algorithm 1; the numbers are those of
resemble-ai/monotonic_align as StyleTTS 2 calls it, on attention weights as they are, without a logarithm.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

UNREACHABLE = -1e9
FRAMES_AT_ONCE = 16  # of float32: a line of the cache


def maximum_path(scores: Tensor, token_lengths: Tensor, frame_lengths: Tensor) -> Tensor:
    """The best path of each item, without gradient.

    scores: (batch, tokens, frames), of any real type and device; token_lengths, frame_lengths: (batch,) integers.
    Gives 0 and 1 in the shape, type and device of `scores`; 0 on the padding. Of equal scores a frame goes to the later
    token. ValueError: an item has more tokens than frames, or a length that does not fit `scores`.
    """
    import numpy as np
    import torch

    lengths = np.stack([token_lengths.cpu().numpy(), frame_lengths.cpu().numpy()]).astype(np.int64)
    _check_lengths(lengths, tuple(scores.shape))
    values = np.ascontiguousarray(scores.detach().float().cpu().numpy())
    path = np.zeros(scores.shape, dtype=np.float32)
    _search()(values, lengths[0], lengths[1], path)
    return torch.from_numpy(path).to(device=scores.device, dtype=scores.dtype)


def durations_to_path(durations: Tensor) -> Tensor:
    """(batch, tokens) frames of each token, integers -> (batch, tokens, longest sum) float32 of 0 and 1."""
    import torch

    ends = durations.cumsum(dim=1)
    frames = torch.arange(int(ends[:, -1].max()), device=durations.device)
    return ((frames >= (ends - durations)[..., None]) & (frames < ends[..., None])).float()


def _check_lengths(lengths: np.ndarray, shape: tuple[int, ...]) -> None:
    batch, tokens, frames = shape
    if lengths.shape != (2, batch):
        raise ValueError(f"{lengths.shape[1]} lengths for a batch of {batch}")
    if batch and (lengths.min() < 1 or lengths[0].max() > tokens or lengths[1].max() > frames):
        raise ValueError(f"lengths are 1 to {tokens} tokens and 1 to {frames} frames")
    if crowded := (lengths[0] > lengths[1]).nonzero()[0].tolist():
        raise ValueError(f"items {crowded} have more tokens than frames; leave them out")


@cache
def _search() -> Callable[..., None]:
    """The compiled search over a batch: scores (batch, tokens, frames) float32, lengths, path (like the scores)."""
    import numba
    import numpy as np

    unreachable = np.float32(UNREACHABLE)

    @numba.njit(nogil=True)
    def one(scores, tokens, frames, path):
        best = np.full(tokens + 1, unreachable, dtype=np.float32)  # [1 + t]: of the paths that are at token t now
        before = best.copy()
        before[0] = 0  # before the first frame no token has begun
        moved = np.empty((frames, tokens), dtype=np.bool_)  # whether the best path came to this place from token t - 1
        # All tokens of a frame are taken at once, so a few frames at a time are turned to lie that way in memory.
        turned = np.empty((FRAMES_AT_ONCE, tokens), dtype=np.float32)
        for begin in range(0, frames, FRAMES_AT_ONCE):
            end = min(begin + FRAMES_AT_ONCE, frames)
            for t in range(max(0, tokens - frames + begin), min(tokens, end)):
                row = scores[t, begin:end]
                for k in range(end - begin):
                    turned[k, t] = row[k]
            for y in range(begin, end):
                here, moves = turned[y - begin], moved[y]
                # from the others the last token cannot be reached any more, or they cannot be reached yet
                for t in range(max(0, tokens - frames + y), min(tokens, y + 1)):
                    stay, move = before[t + 1], before[t]
                    moves[t] = move > stay
                    best[t + 1] = (move if move > stay else stay) + here[t]
                best[0] = unreachable
                best, before = before, best
        t = tokens - 1
        for y in range(frames - 1, -1, -1):
            path[t, y] = 1
            if t > 0 and (t == y or moved[y, t]):
                t -= 1

    @numba.njit(nogil=True)
    def each(scores, token_lengths, frame_lengths, path):
        for i in range(len(scores)):
            one(scores[i], token_lengths[i], frame_lengths[i], path[i])

    return each

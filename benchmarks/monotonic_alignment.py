"""Monotonic alignment search: ours, the compiled original as StyleTTS 2 calls it, and the same search in NumPy.

python -m benchmarks.monotonic_alignment MONOTONIC_ALIGN
MONOTONIC_ALIGN is a checkout of resemble-ai/monotonic_align at c6e5e6c, built in place with this Python by its
`python setup.py build_ext --inplace`. Batches of random attention from torch tensor to torch tensor, one core, one
thread, processor time, in turn; the paths must be equal.
"""

from __future__ import annotations

import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import torch

from benchmarks.measure import in_turn, one_core, report
from tk_tools.nets.monotonic_alignment import UNREACHABLE, maximum_path

# items, tokens, frames of 25 ms: a clip's batch of the first stage, whole recordings, and one long text
BATCHES = ((16, 100, 200), (16, 180, 400), (4, 500, 1600))
CALLS = 5  # of each way in a round: one call of the smallest batch is near the step of the clock


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    one_core()
    compiled = _load(Path(sys.argv[1])).maximum_path_c
    rows = []
    for batch, tokens, frames in BATCHES:
        rng = np.random.default_rng(tokens)
        scores = torch.from_numpy(rng.random((batch, tokens, frames), dtype=np.float32))
        lengths = (torch.from_numpy(rng.integers(most // 2, most + 1, batch)) for most in (tokens, frames))
        token_lengths, frame_lengths = lengths
        token_lengths = torch.minimum(token_lengths, frame_lengths)
        given = scores, token_lengths, frame_lengths
        paths = maximum_path(*given), _original(compiled, *given), in_numpy(*given)
        if not (torch.equal(paths[0], paths[1]) and torch.equal(paths[0], paths[2])):
            sys.exit("the paths differ")
        what = f"{batch} items of up to {tokens} tokens and {frames} frames, one core"
        ours, theirs = _seconds(lambda: maximum_path(*given), lambda: _original(compiled, *given))  # noqa: B023
        rows.append({"what": what, "ms": 1e3 * ours, "original_ms": 1e3 * theirs, "ratio": theirs / ours})
        ours, plain = _seconds(lambda: maximum_path(*given), lambda: in_numpy(*given))  # noqa: B023
        rows.append({"what": f"{what}, beside NumPy", "ms": 1e3 * ours, "numpy_ms": 1e3 * plain, "times": plain / ours})
    report("monotonic_alignment", rows)


def in_numpy(scores: torch.Tensor, token_lengths: torch.Tensor, frame_lengths: torch.Tensor) -> torch.Tensor:
    """The same search with a loop over frames and NumPy over the tokens and items."""
    values = scores.numpy()
    batch, tokens, frames = values.shape
    best = np.full((frames, batch, tokens), UNREACHABLE, dtype=np.float32)
    best[0, :, 0] = values[:, 0, 0]
    for y in range(1, frames):
        move = np.pad(best[y - 1, :, :-1], ((0, 0), (1, 0)), constant_values=UNREACHABLE)
        best[y] = np.maximum(best[y - 1], move) + values[:, :, y]
        best[y, :, y + 1 :] = UNREACHABLE
    path = np.zeros_like(values)
    for i in range(batch):
        t = int(token_lengths[i]) - 1
        for y in range(int(frame_lengths[i]) - 1, -1, -1):
            path[i, t, y] = 1
            if t and (t == y or best[y - 1, i, t] < best[y - 1, i, t - 1]):
                t -= 1
    return torch.from_numpy(path)


def _original(compiled, scores, token_lengths, frame_lengths) -> torch.Tensor:
    values = np.array(scores.numpy(), dtype=np.float32, order="C")  # it writes into them
    path = np.zeros(values.shape, dtype=np.int32)
    compiled(path, values, token_lengths.numpy().astype(np.int32), frame_lengths.numpy().astype(np.int32))
    return torch.from_numpy(path).to(scores.dtype)


def _seconds(ours, other) -> tuple[float, float]:
    def repeated(work):
        return lambda: [work() for _ in range(CALLS)]

    one, two = in_turn(repeated(ours), repeated(other), rounds=9, clock=time.process_time)
    return one / CALLS, two / CALLS


def _load(checkout: Path):
    found = sorted((checkout / "monotonic_align").glob("core.*.so"))
    if not found:
        sys.exit(f"{checkout} is not a checkout of resemble-ai/monotonic_align that was built in place")
    spec = spec_from_file_location("monotonic_align.core", found[0])
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()

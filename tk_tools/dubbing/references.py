"""The pictures that show a generator how the mouth of a face looks: drawn from a video as it goes by, or named."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tk_tools.dubbing.aligned import AlignedShot
from tk_tools.errors import InputError


def draw_references(shots: Iterable[AlignedShot], count: int, seed: int) -> np.ndarray:
    """(count, h, w, 3) crops of shots with a face, each as likely as the others; again and again where there are fewer.

    Memory holds `count` crops, however many shots there are. At least one has a face.
    """
    random, kept, seen = np.random.default_rng(seed), [], 0
    for shot in shots:
        if shot.crop is None:
            continue
        seen += 1
        place = len(kept) if len(kept) < count else int(random.integers(seen))
        kept[place : place + 1] = [shot.crop] if place < count else []
    return np.stack([kept[number % len(kept)] for number in range(count)])


def pick_references(shots: Iterable[AlignedShot], numbers: tuple[int, ...], path: Path) -> np.ndarray:
    """(n, h, w, 3) crops of the shots with these numbers, from 0. InputError: `path` lacks one, or it shows no face."""
    found = {number: shot.crop for number, shot in enumerate(shots) if number in numbers}
    for number in numbers:
        if number not in found:
            raise InputError(f"has no picture {number}; choose others for --references", path=path)
        if found[number] is None:
            raise InputError(f"picture {number} shows no face; choose another for --references", path=path)
    return np.stack([found[number] for number in numbers])

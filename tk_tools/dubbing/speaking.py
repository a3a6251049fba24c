"""The pictures of a face beside what it hears, in batches, into what is drawn of them; pictures without it go along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Protocol, TypeVar

import numpy as np


class FaceShot(Protocol):
    """A picture (H, W, 3) uint8 RGB and the crop of the face in it (h, w, 3), None without one."""

    picture: np.ndarray
    crop: np.ndarray | None


S = TypeVar("S", bound=FaceShot)


def speak(
    shots: Iterable[S],
    heard: Iterable[np.ndarray],
    draw: Callable[[np.ndarray, np.ndarray], np.ndarray],
    batch_size: int,
) -> Iterator[tuple[S, np.ndarray | None]]:
    """Each shot with its made crop (h, w, 3), None where there is no face; ends with the shorter of both streams.

    heard: what each shot hears, of one shape. draw: crops (B, h, w, 3) and what they hear (B, ...) -> (B, h, w, 3).
    """
    pairs = zip(shots, heard, strict=False)
    while batch := list(islice(pairs, batch_size)):
        with_face = [(shot.crop, sound) for shot, sound in batch if shot.crop is not None]
        made: Iterator[np.ndarray] = iter(())
        if with_face:
            crops, sounds = (np.stack(column) for column in zip(*with_face, strict=True))
            made = iter(draw(crops, sounds))
        for shot, _ in batch:
            yield shot, None if shot.crop is None else next(made)

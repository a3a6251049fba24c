"""Which of train, val and test a clip belongs to, by a hash of its name.

So the sets stay as they are when clips are added, in any order and on any machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


def place_of(name: str, seed: int = 0) -> float:
    """Where the clip `name` (its stem) falls in [0, 1), evenly over names; another `seed` gives another place."""
    digest = hashlib.blake2b(f"{seed} {name}".encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def split_of(name: str, seed: int, shares: Mapping[str, float]) -> str:
    """The set of the clip `name`: each set takes its share of [0, 1) in the given order; the last takes the rest.

    shares: such as {"val": 0.05, "test": 0.05, "train": 0.9}. A set whose share grows keeps its clips when it stands first.
    """
    place, end = place_of(name, seed), 0.0
    for split, share in shares.items():
        end += share
        if place < end:
            return split
    return split

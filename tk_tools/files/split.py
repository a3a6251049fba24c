"""Which of train, val and test a clip belongs to, by a hash of its name.

So the sets stay as they are when clips are added, in any order and on any machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

from tk_tools.errors import InputError
from tk_tools.files.atomic import atomic_path
from tk_tools.files.find import stem_of


def place_of(name: str, seed: int = 0) -> float:
    """Where the clip `name` (its stem) falls in [0, 1), evenly over names; another `seed` gives another place."""
    digest = hashlib.blake2b(f"{seed} {name}".encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def split_of(name: str, seed: int, shares: Mapping[str, float]) -> str:
    """The set of the clip `name`: each set takes its share of [0, 1) in the given order; the last takes the rest.

    shares: such as {"val": 0.05, "test": 0.05, "train": 0.9}. A set whose share grows keeps its clips if it is first.
    """
    place, end = place_of(name, seed), 0.0
    for split, share in shares.items():
        end += share
        if place < end:
            return split
    return split


def read_lists(folder: Path, names: Iterable[str]) -> set[str]:
    """The lines of all the lists NAME.txt of a folder that are there."""
    lines: set[str] = set()
    for path in (folder / f"{name}.txt" for name in names):
        if path.is_file():
            lines.update(path.read_text(encoding="utf-8", errors="surrogateescape").splitlines())
    return lines


def write_lists(
    paths: Iterable[Path],
    folder: Path,
    *,
    shares: Mapping[str, float],
    seed: int,
    by: str,
    suffix: str,
    failed: Callable[[InputError], None],
) -> dict[str, int]:
    """Write train.txt and a list for each set of `shares` into `folder`, and return the number of clips in each.

    `by`: "clip" (the stem decides) or "folder" (the folder's name does, so that its clips stay together).
    A path that holds a newline cannot stand in a list: it is told to `failed` and left out. InputError: not one path
    is left; lists that are there stay as they are.
    """
    with ExitStack() as stack:
        names = ["train", *shares]
        lists = {}
        for name in names:
            temporary = stack.enter_context(atomic_path(folder / f"{name}.txt"))
            lists[name] = stack.enter_context(open(temporary, "w", encoding="utf-8", errors="surrogateescape"))
        counts = dict.fromkeys(names, 0)
        for path in paths:
            if "\n" in str(path):
                failed(InputError("a name with a line break cannot stand in a list; rename it", path=path))
                continue
            key = path.parent.name if by == "folder" else stem_of(path, (suffix,))
            split = split_of(key, seed, {**shares, "train": 1.0})
            counts[split] += 1
            lists[split].write(f"{path}\n")
        if not any(counts.values()):
            raise InputError("no clip is left for the lists; those that are there stay", path=folder)
    return counts

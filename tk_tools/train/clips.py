"""Which clips a stage trains on and which it is validated on: those that can be used are sorted out, then divided.

So a clip that is of no use is never the one that the validation hangs on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tk_tools.errors import InputError
from tk_tools.files.companions import Companions
from tk_tools.files.find import find_files, read_paths, stem_of
from tk_tools.files.split import place_of

Clips = dict[Path, Any]
"""What a task makes of each file (Task.inspect), by its path, in the order of the paths."""


@dataclass(frozen=True)
class Listed:
    """What Task.inspect gives of a file that is a list: its clips by their recordings' paths, and what is wrong with
    the others, in words that name list and line."""

    clips: Clips
    faults: Sequence[InputError] = ()


@dataclass(frozen=True)
class ClipFiles:
    """The files of a stage: for training, for validation (maybe none), and what lies beside each of them."""

    train: Sequence[Path] = ()
    val: Sequence[Path] = ()
    beside: tuple[Companions, ...] = ()

    def of_clip(self, path: Path, suffixes: tuple[str, ...]) -> tuple[Path, ...]:
        """A clip's file, and those beside it. InputError: one is missing."""
        name = stem_of(path, suffixes)
        return path, *(companions.of(path, name) for companions in self.beside)


def choose_clips(
    train: Collection[Path],
    val: Collection[Path],
    inspect: Callable[[Path], Any],
    unfit: Callable[[Clips], dict[Path, str]] = lambda clips: {},
    *,
    share: float,
    seed: int,
    suffixes: tuple[str, ...],
    log: Any,
    told: set[str],
    parts_held_out: bool = False,
) -> tuple[Clips, Clips]:
    """The clips for training and for validation: `val` if there is any, else a share of the usable ones of `train`.

    unfit: what is of no use beside the others, and why (Task.unfit). parts_held_out: Task.holds_out_parts. Recordings
    that lists of both name are validated on. InputError: none can be used. For the others see `sift` and `split_clips`.
    """
    usable = sift(train, inspect, what="training", log=log, told=told)
    held_out = sift(val, inspect, what="validation", log=log, told=told) if val else {}
    named = set(train)  # a file that is named for both is wanted for both
    usable = {path: clip for path, clip in usable.items() if path in named or path not in held_out}
    reasons = unfit(usable | held_out)
    usable = {path: clip for path, clip in usable.items() if path not in reasons}
    for reason in dict.fromkeys(reasons.values()):
        log.warn(f"left out: {reason}")
    if not usable:
        raise InputError("none of the clips for training can be used; the lines before say why")
    if held_out:
        return usable, held_out
    parts = split_clips(usable, share=share, seed=seed, suffixes=suffixes, log=log, parts_held_out=parts_held_out)
    return tuple({path: usable[path] for path in part} for part in parts)


def sift(paths: Iterable[Path], inspect: Callable[[Path], Any], *, what: str, log: Any, told: set[str]) -> Clips:
    """What `inspect` makes of each path, or of each line of a list; those of which it raises or gives InputError are
    left out, told in a line each.

    what: "training" or "validation". told: lines that were told already, to which new ones are added (stages see the
    same clips). InputError: none is left; of a single clip its own reason.
    """
    paths = sorted(set(paths))
    clips: Clips = {}
    faults: list[InputError] = []
    for path in paths:
        try:
            found = inspect(path)
        except InputError as error:
            found = Listed({}, [error])
        if not isinstance(found, Listed):
            found = Listed({path: found})
        clips |= found.clips
        faults += found.faults
        if len(paths) > 1 or len(found.clips) + len(found.faults) > 1:
            for line in map(str, found.faults):
                if line not in told:
                    told.add(line)
                    log.warn(f"left out: {line}")
    if clips:
        return dict(sorted(clips.items()))
    if len(faults) == 1:
        fault = faults[0]
        raise InputError(f"{fault.message}; it is the only clip for {what}", path=fault.path) from fault
    raise InputError(f"none of the {len(faults)} clips for {what} can be used; the lines before say why")


def split_clips(
    paths: Iterable[Path],
    *,
    share: float,
    seed: int,
    suffixes: tuple[str, ...],
    log: Any,
    parts_held_out: bool = False,
) -> tuple[list[Path], list[Path]]:
    """Clips for training and for validation, by the hash of their names: the same when clips are added.

    At least one clip goes to each; a single clip goes to both, which is said.
    """
    places = {path: place_of(stem_of(path, suffixes), seed) for path in sorted(set(paths))}
    order = sorted(places, key=lambda path: (places[path], path))
    if len(order) == 1:
        if parts_held_out:
            log.warn("one clip only: a part of it is held out and validated on; the numbers tell nothing of others")
        else:
            log.warn("one clip only: it is trained on and validated on, so the numbers tell nothing of others")
        return order, order
    count = min(max(sum(place < share for place in places.values()), 1), len(order) - 1)
    return sorted(order[count:]), sorted(order[:count])


def named_clips(operand: Path, reads: tuple[str, ...], found: Sequence[Path]) -> tuple[list[Path], int]:
    """The files that --val or --exclude names: a file, a folder, or a list (.txt) of paths or of clips' names.

    found: the inputs, among which names (file names without suffix, as in published lists) are looked up; the second
    number is how many were not there. InputError: the operand cannot be read.
    """
    if operand.suffix != ".txt" or operand.name.endswith(reads):
        return [item.path for item in find_files(operand, reads)], 0
    try:
        with open(operand, "rb") as stream:
            entries = list(read_paths(stream))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=operand) from error
    by_name: dict[str, list[Path]] = {}
    for path in found:
        by_name.setdefault(stem_of(path, reads), []).append(path)
    paths, unknown = [], 0
    for entry in entries:
        if entry.parent != Path(".") or entry.name.endswith(reads) or entry.exists():
            paths.append(entry)
        else:
            paths += by_name.get(str(entry), [])
            unknown += str(entry) not in by_name
    return paths, unknown


def names_digest(clips: Mapping[Path, Any] | Sequence[Path]) -> str:
    """A digest of the clips' names, by which a resume sees whether it has the clips of before."""
    names = "\0".join(path.name for path in clips).encode("utf-8", "surrogateescape")
    return f"blake2b:{hashlib.blake2b(names, digest_size=16).hexdigest()}"

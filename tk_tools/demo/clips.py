"""Many made clips in one folder, by one process or several; the bytes do not depend on how many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from tk_tools.demo.clip import ClipOptions, clip_name, make_clip_once, truth_path
from tk_tools.errors import TkError
from tk_tools.files.atomic import sweep
from tk_tools.jobs.in_order import in_order
from tk_tools.jobs.pool import SlotPool, WorkerDied


@dataclass(frozen=True)
class MadeClip:
    """One finished clip; status: done, or current when it was there already."""

    path: Path
    truth: Path
    status: str


def make_clips(
    folder: Path, first: ClipOptions, *, count: int, workers: int = 1, force: bool = False
) -> Iterator[MadeClip]:
    """Make `count` clips, their indices from that of `first` on, and give each when it is finished, in order.

    TkError: a clip cannot be made, or its worker was killed. What killed runs left in the folder is swept.
    """
    wanted = [replace(first, index=first.index + number) for number in range(count)]
    clips = [(folder / f"{clip_name(options)}.mp4", options) for options in wanted]
    sweep(folder)
    try:
        with closing(_statuses(clips, force, min(workers, count))) as statuses:
            for (target, _), status in zip(clips, statuses, strict=True):
                yield MadeClip(path=target, truth=truth_path(target), status=status)
    finally:
        sweep(folder)


def _statuses(clips: list[tuple[Path, ClipOptions]], force: bool, workers: int) -> Iterator[str]:
    if workers <= 1:
        yield from (make_clip_once(target, options, force) for target, options in clips)
        return
    pool = SlotPool(workers)
    with closing(in_order(clips, lambda clip: pool.submit(make_clip_once, *clip, force), pool, workers)) as tasks:
        for (target, _), task in tasks:
            try:
                yield task.result()
            except WorkerDied as error:
                raise TkError(str(error), path=target) from error

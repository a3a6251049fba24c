"""Many made clips in one folder, by one process or several; the bytes do not depend on how many."""

from __future__ import annotations

from collections.abc import Iterator
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
    """Make `count` clips, their indices from that of `first` on, and give each when it is finished, in order."""
    sweep(folder)
    wanted = [replace(first, index=first.index + number) for number in range(count)]
    targets = [folder / f"{clip_name(options)}.mp4" for options in wanted]
    statuses = _statuses(targets, wanted, force, min(workers, count))
    for target, status in zip(targets, statuses, strict=True):
        yield MadeClip(path=target, truth=truth_path(target), status=status)


def _statuses(targets: list[Path], wanted: list[ClipOptions], force: bool, workers: int) -> Iterator[str]:
    if workers <= 1:
        for target, options in zip(targets, wanted, strict=True):
            yield make_clip_once(target, options, force)
        return
    pool = SlotPool(workers)
    tasks = in_order(
        zip(targets, wanted, strict=True), lambda clip: pool.submit(make_clip_once, *clip, force), pool, workers
    )
    try:
        for _, task in tasks:
            yield task.result()
    except WorkerDied as error:
        raise TkError(str(error)) from error
    finally:
        tasks.close()

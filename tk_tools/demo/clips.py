"""Many made clips or recordings in one folder, by one process or several; the bytes do not depend on how many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tk_tools.demo.clip import ClipOptions, clip_name, make_clip_once, truth_path
from tk_tools.demo.recording import RecordingOptions, make_recording_once, recording_path, textgrid_path
from tk_tools.errors import TkError
from tk_tools.files.atomic import sweep
from tk_tools.jobs.in_order import in_order
from tk_tools.jobs.pool import SlotPool, WorkerDied


@dataclass(frozen=True)
class MadeClip:
    """One finished clip or recording, and what says what is in it; status: done, or current when it was there."""

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
    yield from _make(clips, make_clip_once, truth_path, workers, force)


def make_recordings(
    folder: Path, first: RecordingOptions, *, speakers: int, count: int, workers: int = 1, force: bool = False
) -> Iterator[MadeClip]:
    """Make `count` recordings of each of `speakers` speakers, as make_clips makes clips; speaker by speaker."""
    wanted = [
        replace(first, speaker=speaker, index=first.index + number)
        for speaker in range(speakers)
        for number in range(count)
    ]
    recordings = [(recording_path(folder, options), options) for options in wanted]
    yield from _make(recordings, make_recording_once, textgrid_path, workers, force)


def _make(
    wanted: list[tuple[Path, Any]], make: Callable, beside: Callable[[Path], Path], workers: int, force: bool
) -> Iterator[MadeClip]:
    folders = {target.parent for target, _ in wanted}
    try:
        for folder in folders:
            sweep(folder)
        with closing(_statuses(wanted, make, force, min(workers, len(wanted)))) as statuses:
            for (target, _), status in zip(wanted, statuses, strict=True):
                yield MadeClip(path=target, truth=beside(target), status=status)
    finally:
        for folder in folders:
            sweep(folder)


def _statuses(wanted: list[tuple[Path, Any]], make: Callable, force: bool, workers: int) -> Iterator[str]:
    if workers <= 1:
        yield from (make(target, options, force) for target, options in wanted)
        return
    pool = SlotPool(workers)
    with closing(in_order(wanted, lambda one: pool.submit(make, *one, force), pool, workers)) as tasks:
        for (target, _), task in tasks:
            try:
                yield task.result()
            except WorkerDied as error:
                raise TkError(str(error), path=target) from error

"""Batches from a data set, read by worker processes that leave signals and random numbers to the training process.

A file that cannot be read comes out as the error that a user can mend, not as a worker's traceback.
"""

from __future__ import annotations

import functools
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, default_collate

from tk_tools.errors import TkError, TrainingError
from tk_tools.train.sampler import EndlessBatches
from tk_tools.train.task import Draw


class _Guarded(Dataset):
    """A data set that gives the error for an item: raised in a worker, it would lose its kind and form."""

    def __init__(self, data: Dataset):
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, draw: Draw) -> Any:
        try:
            return self.data[draw]
        except TkError as error:
            return error


def _collate(items: list[Any], collate: Callable[[list[Any]], Any]) -> Any:
    errors = [item for item in items if isinstance(item, TkError)]
    return errors[0] if errors else collate(items)


def _leave_signals(worker: int) -> None:
    """Ctrl-C reaches the whole process group; workers go on until the training process has saved."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def batches(data: Dataset, sampler: EndlessBatches, workers: int, pin_memory: bool) -> Iterator[Any]:
    """Collated batches on the CPU, in the sampler's order from its position on, without end.

    TkError: a clip cannot be read. TrainingError: a worker died.
    """
    loader = DataLoader(
        _Guarded(data),
        batch_sampler=sampler,
        collate_fn=functools.partial(_collate, collate=getattr(data, "collate", default_collate)),
        num_workers=workers,
        worker_init_fn=_leave_signals,
        pin_memory=pin_memory,
        generator=torch.Generator(),  # its own: seeds of workers must not be drawn from the training's
    )
    iterator = _start(loader)
    processes = getattr(iterator, "_workers", [])
    try:
        while True:
            batch = _next(iterator)
            if isinstance(batch, TkError):
                raise batch
            yield batch
    finally:
        del iterator  # ends the workers, also when an error keeps this frame alive
        for process in processes:
            if process.is_alive():  # they do not hear SIGTERM, which Python would wait for at its end
                process.kill()


def _start(loader: DataLoader) -> Iterator[Any]:
    """Start the workers. A dead one is noticed when its batch is asked for, between two steps.

    torch would raise it from a signal handler, in the middle of a step as well.
    """
    before = signal.getsignal(signal.SIGCHLD)
    iterator = iter(loader)
    if before is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGCHLD, before)
    return iterator


def _next(iterator: Iterator[Any]) -> Any:
    try:
        return next(iterator)
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise TrainingError(
            "a process that loads data was killed (out of memory?); run again to go on, "
            "with --set loader_workers=0 if it is killed again"
        ) from error

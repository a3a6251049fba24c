"""A Dask cluster as an executor: the workers are processes on any machine that sees the same files.

Start them with one thread each (`dask worker --nthreads 1`): the backends that find faces are not for several.
"""

from __future__ import annotations

import logging
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any

from tk_tools.errors import MissingPackage, TkError
from tk_tools.jobs.pool import Task, WorkerDied

_PACKAGE = "tk_tools"
_PATIENCE = "10s"  # until a scheduler has to answer, and to have a worker


class Cluster(Executor):
    """The cluster of the scheduler at `address`, HOST:PORT; `cores` counts what its workers offer at the start.

    MissingPackage: distributed is not installed. TkError: nobody answers there, it has no workers, or one of them or
    the scheduler lacks this package.
    """

    def __init__(self, address: str):
        try:
            from distributed import Client
        except ImportError as error:
            raise MissingPackage("--dask needs the package distributed; bin/setup dask installs it") from error
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what goes wrong is told in one line of ours
        try:
            self._client = Client(f"tcp://{address}", timeout=_PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise TkError(f"no Dask scheduler answers at {address}") from error
        try:
            self._client.wait_for_workers(1, timeout=_PATIENCE)  # one that died may be about to come back
        except TimeoutError as error:
            self._client.close()
            what = f"the Dask scheduler at {address} has no workers; start some (dask worker --nthreads 1)"
            raise TkError(what) from error
        self.cores = sum(self._client.nthreads().values())
        if without := _without(self._client, _PACKAGE):
            self._client.close()
            raise TkError(f"{', '.join(without)}: tk-tools is missing there; run bin/setup dask, start it again")
        # not pure: the same call is to be made again
        self._executor = self._client.get_executor(pure=False)

    def submit(self, function, /, *args: Any, **kwargs: Any) -> Task:
        """Run `function` (importable by name, where the workers are) on the cluster. WorkerDied: it gave it up."""
        task = Task()
        self._executor.submit(function, *args, **kwargs).add_done_callback(partial(_pass_on, task))
        return task

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster, which goes on: after what was submitted, or at once with `cancel_futures`."""
        self._executor.shutdown(wait=wait and not cancel_futures)
        self._client.close()


def _without(client, package: str) -> list[str]:
    """Where on the cluster `package` is missing; a task sent there would hang, or be given up for no told reason."""

    def has_package() -> bool:  # sent by value, since it is no function of a module
        from importlib.util import find_spec

        return find_spec(package) is not None

    has = {"scheduler": client.run_on_scheduler(has_package), **client.run(has_package, on_error="ignore")}
    return [place for place, here in has.items() if not here]


def _pass_on(task: Task, future: Future) -> None:
    if not task.set_running_or_notify_cancel():
        return
    if not future.cancelled() and future.exception() is None:
        task.set_result(future.result())
        return
    why = "" if future.cancelled() else f" ({type(future.exception()).__name__})"
    task.set_exception(WorkerDied(f"the cluster gave it up{why}; run again"))

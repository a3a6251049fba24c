"""The queue at work: each worker takes the job that waits longest; jobs are cancelled, timed, tried again and expire.

All of it runs in one event loop; a worker's thread only waits for its process.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from tk_tools.errors import InputError, TkError
from tk_tools.files.atomic import sweep
from tk_tools.serve.callback import call, check_address
from tk_tools.serve.child import Child, ChildDied, NoAnswer, TimeLimit
from tk_tools.serve.metrics import Metrics
from tk_tools.serve.offer import Offer
from tk_tools.serve.options import ServeOptions
from tk_tools.serve.refusal import Refused
from tk_tools.serve.store import CANCELLED, DONE, ENDED, FAILED, QUEUED, RUNNING, TRIES, Job, JobStore
from tk_tools.serve.views import JobView, view
from tk_tools.serve.work import Made, Opened, Order, check_choices, check_upload, make_result, open_shared

_OPENING = 1800  # seconds that a model may take to be loaded
_LOOK = 30  # seconds that one look at an upload may take
_LOOK_MEMORY = 4 << 30  # bytes of address space for it
_TICK = 0.05  # seconds between two looks at whether a job has ended
_AGAIN = 5  # seconds before a worker that could not load its model, or write down what it made, tries again
_SAME_SIGNAL = 1  # seconds within which the service is told to end when its workers are
_CALLS = 4  # callbacks at a time


class Told(Protocol):
    """Where those who run the service read what happens (cli._log.Log)."""

    def error(self, message: str) -> None: ...
    def info(self, message: str) -> None: ...
    def detail(self, message: str) -> None: ...


class _Worker:
    """A process on one device, the thread that waits for it, and the job that it makes.

    left: the last job and what writes down what it came to, as long as the store did not take that.
    """

    def __init__(self, device: str):
        self.device = device
        self.child = Child()
        self.thread = ThreadPoolExecutor(max_workers=1)
        self.job: str | None = None
        self.left: tuple[Job, Callable[[], object]] | None = None
        self.cancelled = False
        self.failing = False


class Dispatcher:
    """Takes jobs in and sees to it that each of them ends. Used from one event loop; see open, start and close."""

    def __init__(self, options: ServeOptions, offer: Offer, store: JobStore, told: Told):
        self._options, self._offer, self._store, self._told = options, offer, store, told
        self.metrics = Metrics(waiting=partial(store.count, QUEUED), running=partial(store.count, RUNNING))
        self._workers = [_Worker(device) for device in options.devices]
        self._looker, self._looker_thread = Child(_LOOK_MEMORY), ThreadPoolExecutor(max_workers=1)
        self._progress: dict[str, float] = {}
        self._arriving = 0
        self._arrived = asyncio.Event()
        self._tasks: set[asyncio.Task] = set()
        self._callers = ThreadPoolExecutor(max_workers=_CALLS)  # of its own: nobody waits for them at the end
        self.stopping = False

    async def open(self) -> None:
        """Load the model in every worker, and offer what it has use for. WeightsError, ConfigError: it cannot be used,
        or takes no template."""
        opened = await asyncio.gather(*map(self._load, self._workers))
        self._offer.leave_out(opened[0].unused)
        for notice in sorted(set(filter(None, (one.notice for one in opened)))):
            self._told.info(notice)

    def start(self) -> None:
        """Begin with the jobs that are there."""
        self._store.recover()
        for worker in self._workers:
            self._spawn(self._work(worker))
        self._spawn(self._expire())
        for job in self._store.calls_left():
            self._spawn(self._call_back(job))

    async def close(self) -> None:
        """Stop all work; jobs that run are queued again."""
        self.stopping = True
        loop = asyncio.get_running_loop()
        children = [*(worker.child for worker in self._workers), self._looker]
        await asyncio.gather(*(loop.run_in_executor(None, child.close) for child in children))
        for worker in self._workers:
            while worker.job is not None:
                await asyncio.sleep(_TICK)
            with suppress(sqlite3.Error):  # then the next start finds it running
                self._settle(worker)
        for task in self._tasks:
            task.cancel()
        for thread in (*(worker.thread for worker in self._workers), self._looker_thread, self._callers):
            thread.shutdown(wait=False, cancel_futures=True)

    @property
    def failing(self) -> bool:
        """Whether a worker cannot go on."""
        return any(worker.failing for worker in self._workers)

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place in the queue for a job whose upload begins. Refused: 429, all are taken; 503, the service stops."""
        if self.stopping:
            raise Refused(503, "the service is being stopped", {"retry-after": "10"})
        if self._arriving + self._store.count(QUEUED) >= self._options.queue:
            raise Refused(429, f"{self._options.queue} jobs wait already; try again in a while", {"retry-after": "5"})
        self._arriving += 1
        try:
            yield
        finally:
            self._arriving -= 1

    async def look_at(self, files: dict[str, Path], given: dict[str, str]) -> float:
        """Look at files that were sent, each in the field of its name, and at the options that were set; the seconds of
        the result, as far as known.

        InputError: one cannot be used, with the field in its message.
        """
        seconds, options = 0.0, self._options
        for upload in self._offer.uploads:
            path = files.get(upload.field)
            if path is None:
                continue
            try:
                length = await self._look(check_upload, path, upload.holds, options.upload_seconds, options.characters)
            except TkError as error:
                raise InputError(f"{upload.field}: {error.message}") from error
            except Exception as error:  # whatever a stranger's file does to its reader
                self._told.error(f"an upload could not be looked at: {error or type(error).__name__}")
                raise InputError(f"{upload.field}: is damaged in a way that stops its reader") from error
            if upload.sets_length:
                seconds = length
        if given:
            try:
                await self._look(check_choices, self._offer.model, self._offer.values(given))
            except TkError as error:
                raise InputError(error.message) from error
            except (TimeLimit, ChildDied, NoAnswer, MemoryError, OSError) as error:
                self._told.error(f"options could not be looked at: {error or type(error).__name__}")
        return seconds

    async def _look(self, function: Callable, *args: Any) -> Any:
        look = partial(self._looker.call, function, *args, seconds=_LOOK)
        return await asyncio.get_running_loop().run_in_executor(self._looker_thread, look)

    def add(self, folder: Path, files: dict[str, Any], given: dict[str, str], seconds: float, **callback: Any) -> Job:
        """Queue a job; arguments as JobStore.add's."""
        job = self._store.add(folder, files, given, seconds, **callback)
        self._told.detail(f"job {job.id}: queued")
        self._arrived.set()
        return job

    def view(self, job: Job) -> JobView:
        """What a client is told of a job."""
        return view(job, self._progress.get(job.id, 0.0), self._store.ahead_of(job) if job.state == QUEUED else 0)

    async def cancel(self, job: Job) -> Job:
        """End a job that has not ended yet, whatever became of it since `job` was read; a running one is stopped."""
        while (found := self._store.get(job.id)) and found.state not in ENDED:
            maker = next((worker for worker in self._workers if worker.job == job.id), None)
            if found.state == QUEUED or maker is None:
                return self._ended(self._store.end(job, CANCELLED))
            maker.cancelled = True
            # again and again, should its process be only just starting
            await asyncio.get_running_loop().run_in_executor(None, maker.child.stop)
            await asyncio.sleep(_TICK)
        return found or job

    def _spawn(self, work) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a task of the service ended", "exception": error, "task": task}
            )

    async def _load(self, worker: _Worker) -> Opened:
        values = self._offer.values({}) | self._on(worker)
        load = partial(worker.child.call, open_shared, self._offer.model, values, seconds=_OPENING)
        return await asyncio.get_running_loop().run_in_executor(worker.thread, load)

    def _on(self, worker: _Worker) -> dict[str, str]:
        return {"device": worker.device} if "device" in self._options.values else {}

    async def _work(self, worker: _Worker) -> None:
        while not self.stopping:
            try:
                await self._take_one(worker)
                worker.failing = False
            except Exception as error:  # noqa: BLE001 - no room for the store, say: it goes on when there is some
                if self.stopping:
                    return
                worker.failing = True
                self._tell(f"a worker cannot go on, and tries again in {_AGAIN} s: {error}", error)
                await asyncio.sleep(_AGAIN)

    def _tell(self, message: str, error: Exception) -> None:
        with suppress(Exception):  # nobody there to tell must not end what goes on
            self._told.error(message)
            self._told.detail("".join(traceback.format_exception(error)))

    async def _take_one(self, worker: _Worker) -> None:
        """Wait for a job and make it; what the last one came to is written down first, should that be left."""
        self._settle(worker)
        if not worker.child.alive:
            await self._load(worker)
        self._arrived.clear()
        job = self._store.take()
        if job is None:
            worker.failing = False
            await self._arrived.wait()
            return
        worker.job, worker.cancelled = job.id, False
        try:
            worker.left = job, await self._make(worker, job)
        except Exception as error:  # noqa: BLE001 - a fault of ours ends this job alone
            trace = "".join(traceback.format_exception(error))
            worker.left = job, partial(self._fail, job, Made(error=f"a fault of this service: {error}", trace=trace))
            await self._replace(worker)  # it may still have an answer for a job that is over
        finally:
            worker.job = None
        self._settle(worker)

    def _settle(self, worker: _Worker) -> None:
        """Write down what the worker's last job came to, unless it was cancelled or removed meanwhile; what the store
        does not take stays for another try."""
        if worker.left is None:
            return
        (job, write), worker.left = worker.left, None
        try:
            if (found := self._store.get(job.id)) is not None and found.state == RUNNING:
                write()
        except sqlite3.Error:
            worker.left = job, write
            raise
        self._progress.pop(job.id, None)

    async def _replace(self, worker: _Worker) -> None:
        """End the process of a worker; the next job is made by another one."""
        await asyncio.get_running_loop().run_in_executor(None, worker.child.stop)

    async def _make(self, worker: _Worker, job: Job) -> Callable[[], object]:
        """Make a job; what writes down what it came to."""

        def told(seconds: float) -> None:
            self._progress[job.id] = min(0.99, seconds / job.seconds) if job.seconds else 0.0

        templates = [file["template"] for file in job.files.values() if isinstance(file, dict)]
        if gone := [name for name in templates if name not in self._options.templates]:  # since a restart
            return partial(self._fail, job, Made(error=f"the template {gone[0]} is no longer here"))
        if not self._offer.takes(job.files, job.options):  # since a restart with another model
            return partial(self._fail, job, Made(error="what is served here now does not take it; send it again"))
        sweep(self._store.folder(job))
        begin = time.monotonic()
        limit = self._options.job_seconds
        make = partial(worker.child.call, make_result, self._order(worker, job), seconds=limit, told=told)
        try:
            made: Made = await asyncio.get_running_loop().run_in_executor(worker.thread, make)
        except TimeLimit:
            late = f"it took longer than the {limit:g} s that this service gives a job"
            return partial(self._fail, job, Made(error=late))
        except NoAnswer as error:
            return partial(self._fail, job, Made(error=f"a fault of this service: {error}"))
        except ChildDied as error:
            return await self._interrupted(worker, job, error)
        if made.trace:  # after some faults on a GPU a process can do nothing there any more
            await self._replace(worker)
        json.dumps(made.facts)  # what cannot be written down is a fault of this job
        if worker.cancelled:
            return partial(self._cancelled, job)
        if made.error:
            return partial(self._fail, job, made)
        return partial(self._done, job, made, time.monotonic() - begin)

    def _order(self, worker: _Worker, job: Job) -> Order:
        folder, uploads = self._store.folder(job), self._offer.uploads
        paths = {
            field: folder / file if isinstance(file, str) else self._options.templates[file["template"]]
            for field, file in job.files.items()
        }
        return Order(
            model=self._offer.model,
            inputs=tuple(paths[upload.field] for upload in uploads if upload.option is None),
            named={upload.option: paths[upload.field] for upload in uploads if upload.option is not None},
            target=folder / f"result{self._offer.suffix}",
            values=self._offer.values(job.options) | self._on(worker),
        )

    async def _interrupted(self, worker: _Worker, job: Job, why: ChildDied) -> Callable[[], object]:
        """The worker ended in the middle of a job: who or what ended it decides what becomes of the job."""
        end = time.monotonic() + (_SAME_SIGNAL if why.stopped else 0)
        while not (worker.cancelled or self.stopping) and time.monotonic() < end:
            await asyncio.sleep(_TICK)
        if worker.cancelled:
            return partial(self._cancelled, job)
        if self.stopping:
            return partial(self._store.put_back, job, counted=False)
        self.metrics.restarted()
        if job.tries < TRIES:
            return partial(self._try_again, job, why)
        return partial(self._fail, job, Made(error=f"{why}; tried {job.tries} times"))

    def _try_again(self, job: Job, why: ChildDied) -> None:
        self._store.put_back(job, counted=True)
        self._arrived.set()  # another worker may be free
        self._told.error(f"job {job.id}: {why}; tried again")

    def _cancelled(self, job: Job) -> None:
        self._ended(self._store.end(job, CANCELLED))

    def _fail(self, job: Job, made: Made) -> None:
        self._ended(self._store.end(job, FAILED, made.error))
        self._told.error(f"job {job.id}: {made.log or made.error}")
        self._told.detail(made.trace)

    def _done(self, job: Job, made: Made, took: float) -> None:
        self._ended(self._store.end(job, DONE, facts=made.facts), took)
        self._told.info(f"job {job.id}: done in {took:.1f} s")

    def _ended(self, job: Job, seconds: float | None = None) -> Job:
        self.metrics.ended(job.state, seconds)
        if job.calls:
            self._spawn(self._call_back(job))
        return job

    async def _call_back(self, job: Job) -> None:
        loop = asyncio.get_running_loop()
        try:
            check_address(job.callback, self._options.callback_hosts)
        except InputError:  # it was allowed before a restart
            self._store.count_call(job, last=True)
            return

        def tried(taken: bool) -> None:
            loop.call_soon_threadsafe(self._store.count_call, job, taken)

        content = self.view(job).model_dump()
        why = await loop.run_in_executor(self._callers, call, job.callback, content, job.calls, tried)
        if why:
            self._told.error(f"job {job.id}: its callback was not taken: {why}")

    async def _expire(self) -> None:
        keep = self._options.keep_hours * 3600
        while True:
            try:
                while jobs := self._store.expired(time.time() - keep):
                    for job in jobs:
                        self._store.remove(job)
                    await asyncio.sleep(0)  # others have their turn
            except sqlite3.Error as error:
                self._tell(f"results cannot expire, which is tried again: {error}", error)
            await asyncio.sleep(min(60.0, max(0.2, keep / 10)))

"""The queue in this process, with workers that do as they are told: full disks, dead workers, and nobody to tell."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tk_tools import models
from tk_tools.errors import InputError
from tk_tools.serve import dispatcher as tested
from tk_tools.serve.app import make_app
from tk_tools.serve.child import ChildDied
from tk_tools.serve.dispatcher import Dispatcher
from tk_tools.serve.offer import Offer
from tk_tools.serve.options import ServeOptions
from tk_tools.serve.store import JobStore
from tk_tools.serve.work import Made, Opened, open_shared

VALUES = {"voices": "many", "share": 0.5, "language": "en", "pace": 0.0}
KILLED, TOLD_TO_END = -9, 128 + 15
FAULT = Made(error="unexpected RuntimeError", trace="Traceback: device-side assert")


class Process:
    """Stands for a worker's process, which `service` says what to do."""

    def __init__(self, service):
        self._service, self.alive = service, False

    def call(self, function, *args, seconds, told=None):
        if function is open_shared:
            self._service.open()
            self.alive = True
            return Opened(None, frozenset())
        act = self._service.acts.pop(0) if self._service.acts else Made()
        act = act() if callable(act) else act
        if isinstance(act, Exception):
            self.alive = False
            raise act
        return act

    def stop(self):
        self.alive = False

    close = stop


class Service:
    """A dispatcher and what it works with. acts: what becomes of the jobs in turn (by default they are made); opened:
    how often a model was loaded; lines: what was told."""

    def __init__(self, monkeypatch, store, options):
        monkeypatch.setattr(tested, "Child", lambda memory=None: Process(self))
        self.store, self.options = store, options
        self.acts, self.opened, self.lines = [], 0, []
        self.offer = Offer(options)
        self.dispatcher = Dispatcher(options, self.offer, store, self)

    def open(self):
        self.opened += 1

    def error(self, message):
        self.lines.append(message)

    info = detail = error

    def queue(self):
        return self.dispatcher.add(self.store.new_folder(), {"text": "text", "voice": "voice"}, {}, 1.0)

    def full(self, yes):
        """The disk takes nothing more, or does again."""
        self.store._database.execute(f"pragma query_only = {yes}")

    def state(self, job):
        found = self.store.get(job.id)
        return None if found is None else found.state

    async def until(self, holds):
        end = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < end, self.lines
            await asyncio.sleep(0.01)


@pytest.fixture
def run(monkeypatch, tmp_path):
    """run(scenario, **options): what scenario(service) has to wait for, beside a dispatcher that works."""
    monkeypatch.setitem(models._BUILT_IN, "speaker", "tests.serve.fake_speaker:MODEL")
    monkeypatch.setattr(tested, "_AGAIN", 0.3)
    monkeypatch.setattr(tested, "_SAME_SIGNAL", 0.05)

    async def serve(store, scenario, options):
        service = Service(monkeypatch, store, ServeOptions("speaker", VALUES, tmp_path / "state", {}, **options))
        await service.dispatcher.open()
        service.dispatcher.start()
        try:
            await scenario(service)
        finally:
            await service.dispatcher.close()

    def call(scenario, **options):
        # in a thread of its own: the browser's tests leave a loop running in this one
        with closing(JobStore(tmp_path / "state")) as store, ThreadPoolExecutor() as thread:
            thread.submit(asyncio.run, serve(store, scenario, options)).result()

    return call


def test_a_job_that_ends_on_a_full_disk_is_written_down_when_there_is_room(run):
    async def scenario(service):
        def fill_up():
            service.full(True)
            return Made(facts={"frames": 7})

        service.acts = [fill_up]
        job = service.queue()
        await service.until(lambda: service.dispatcher.failing)
        assert service.state(job) == "running"
        service.full(False)
        await service.until(lambda: service.state(job) == "done")
        assert service.store.get(job.id).facts == {"frames": 7}
        await service.until(lambda: not service.dispatcher.failing)

    run(scenario)


def test_what_became_of_a_job_while_the_disk_was_full_stays(run):
    async def scenario(service):
        def fill_up():
            service.full(True)
            return Made()

        service.acts = [fill_up, fill_up]
        for become in ("cancelled", None):
            job = service.queue()
            await service.until(lambda: service.dispatcher.failing)
            service.full(False)
            ended = await service.dispatcher.cancel(job)
            if become is None:
                service.store.remove(ended)
            following = service.queue()
            service.acts.insert(0, Made())
            await service.until(lambda: service.state(following) == "done")  # noqa: B023 - called at once
            assert service.state(job) == become

    run(scenario)


def test_what_is_left_when_the_service_ends_is_written_down(run):
    jobs = []

    async def scenario(service):
        service.acts = [lambda: service.full(True) or Made()]
        jobs.append(service.queue())
        await service.until(lambda: service.dispatcher.failing)
        service.full(False)
        jobs.append(service.store)

    async def look(service):
        assert service.state(jobs[0]) == "done"

    run(scenario)
    run(look)


def test_what_was_sent_is_gone_before_the_end_of_a_job_is_written_down(tmp_path):
    with closing(JobStore(tmp_path / "state")) as store:
        job = store.add(store.new_folder(), {}, {}, 1.0)
        (store.folder(job) / "speech.wav").touch()
        (store.folder(job) / "result.mp4").touch()
        store._database.execute("pragma query_only = on")
        with pytest.raises(Exception, match="readonly"):
            store.end(job, "done")
        assert [path.name for path in store.folder(job).iterdir()] == ["result.mp4"]


def test_a_worker_that_somebody_else_tells_to_end_costs_a_try(run):
    async def scenario(service):
        service.acts = [ChildDied(TOLD_TO_END), ChildDied(TOLD_TO_END)]
        job = service.queue()
        await service.until(lambda: service.state(job) == "failed")
        why = "the worker was told to end (signal 15), perhaps for want of memory"
        assert service.store.get(job.id).error == f"{why}; tried 2 times"
        assert f"job {job.id}: {why}; tried again" in service.lines

    run(scenario)


def test_a_job_that_waits_again_is_taken_by_a_worker_that_is_free(run):
    async def scenario(service):
        go_on = threading.Event()
        service.open = go_on.wait  # the worker that died stays away
        try:
            service.acts = [ChildDied(KILLED)]
            job = service.queue()
            await service.until(lambda: service.state(job) == "done")
        finally:
            go_on.set()

    run(scenario, devices=("cpu", "cuda"))


def test_after_a_fault_the_next_job_has_another_process(run):
    async def scenario(service):
        service.acts = [Made(error="no face"), Made(), FAULT]
        for states, opened in (["failed", "done"], 1), (["failed", "done"], 2):
            jobs = [service.queue(), service.queue()]
            await service.until(lambda: [service.state(job) for job in jobs] == states)  # noqa: B023 - called at once
            assert service.opened == opened

    run(scenario)


@pytest.mark.parametrize("act", [OverflowError("odd"), Made(facts={"path": object()})], ids=["raised", "made"])
def test_a_fault_outside_the_worker_ends_one_job(run, act):
    async def scenario(service):
        service.acts = [act]
        jobs = [service.queue(), service.queue()]
        await service.until(lambda: [service.state(job) for job in jobs] == ["failed", "done"])
        assert service.store.get(jobs[0].id).error.startswith("a fault of this service: ")

    run(scenario)


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), ChildDied(KILLED), ValueError("odd")])
def test_whatever_an_upload_does_to_its_reader_is_the_upload_s_fault(run, error):
    async def scenario(service):
        service.acts = [error]
        with pytest.raises(InputError, match="voice: is damaged in a way that stops its reader"):
            await service.dispatcher.look_at({"voice": Path("voice.wav")}, {})
        assert service.lines == [f"an upload could not be looked at: {error}"]

    run(scenario)


def test_with_nobody_to_tell_jobs_are_made_all_the_same(run):
    async def scenario(service):
        def nobody(message):
            raise ValueError("closed")

        service.dispatcher._told.error = nobody
        service.acts = [ChildDied(KILLED), FAULT]
        jobs = [service.queue(), service.queue()]
        await service.until(lambda: [service.state(job) for job in jobs] == ["failed", "done"])

    run(scenario)


def test_results_expire_after_a_full_disk(run):
    async def scenario(service):
        job = service.queue()
        await service.until(lambda: service.state(job) == "done")
        service.full(True)
        await service.until(lambda: any("cannot expire" in line for line in service.lines))
        assert service.state(job) == "done"
        assert not service.store.folder(job).exists()
        service.full(False)
        await service.until(lambda: service.state(job) is None)

    run(scenario, keep_hours=0.0001)


def test_results_of_more_than_a_page_expire_at_once(run, tmp_path):
    with closing(JobStore(tmp_path / "state")) as store:
        for _ in range(201):
            store.end(store.add(store.new_folder(), {}, {}, 1.0), "failed")
        store._database.execute("update jobs set finished = 0")

    async def scenario(service):
        await service.until(lambda: service.store.page(1) == [])

    run(scenario, keep_hours=1)  # the next look comes after a minute


@pytest.mark.parametrize(("largest", "status"), [(1, 200), (1 << 60, 503)])
def test_health_looks_at_the_room_on_the_disk(run, largest, status):
    async def scenario(service):
        app = make_app(service.options, service.offer, service.store, service.dispatcher)
        sent = []

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/healthz", "query_string": b"", "headers": []}
        await app(scope, None, send)
        assert sent[0]["status"] == status

    run(scenario, upload_bytes=largest)

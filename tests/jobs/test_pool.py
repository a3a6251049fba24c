"""A worker's death costs one retry of one task; nothing outlives the pool."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from tests.jobs import work
from tk_tools.errors import InputError
from tk_tools.jobs.pool import SlotPool, WorkerDied


def children(process: int) -> list[int]:
    """The processes whose parent is `process`, helpers of multiprocessing left out."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = folder.joinpath("stat").read_text().rsplit(")", 1)[1].split()[:2]
            command = folder.joinpath("cmdline").read_bytes()
        except OSError:
            continue
        if int(parent) == process and state != "Z" and b"resource_tracker" not in command:
            found.append(int(folder.name))
    return found


def wait_until(condition, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def pool():
    before = set(children(os.getpid()))
    pool = SlotPool(2)
    yield pool
    pool.shutdown(cancel_futures=True)
    assert set(children(os.getpid())) <= before


def test_results_and_errors_come_back(pool):
    futures = [pool.submit(work.add, number, right=1) for number in range(8)]
    wrong = pool.submit(work.fail, "no good")
    assert [future.result(30) for future in futures] == list(range(1, 9))
    with pytest.raises(InputError, match="no good"):
        wrong.result(30)


def test_a_killed_worker_costs_one_retry_of_one_task(pool, tmp_path):
    one = tmp_path / "one"
    one.mkdir()
    killed = pool.submit(work.die, str(one), 1)
    others = [pool.submit(work.add, number, 0) for number in range(6)]
    assert killed.result(30) == "survived"
    assert [future.result(30) for future in others] == list(range(6))


def test_a_task_that_kills_twice_fails_alone(pool, tmp_path):
    two = tmp_path / "two"
    two.mkdir()
    killed = pool.submit(work.die, str(two), 5)
    others = [pool.submit(work.add, number, 0) for number in range(6)]
    with pytest.raises(WorkerDied):
        killed.result(30)
    assert len(os.listdir(two)) == 2
    assert [future.result(30) for future in others] == list(range(6))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV])
def test_a_worker_ended_while_it_waits_is_replaced(pool, number):
    first = {pool.submit(work.own_process).result(30) for _ in range(6)}
    for process in first:
        os.kill(process, number)
    assert wait_until(lambda: not first & set(children(os.getpid())))
    assert pool.submit(work.own_process).result(30) not in first


def test_what_cannot_be_sent_is_the_submitters_error(pool):
    with pytest.raises(Exception, match="pickle"):
        pool.submit(lambda: 1).result(30)
    assert pool.submit(work.add, 1, 2).result(30) == 3


def test_stopping_does_not_wait_for_what_runs():
    pool = SlotPool(2)
    futures = [pool.submit(time.sleep, 60) for _ in range(4)]
    assert wait_until(lambda: len(children(os.getpid())) >= 2)
    start = time.monotonic()
    pool.shutdown(cancel_futures=True)
    assert time.monotonic() - start < 5
    for future in futures:
        with pytest.raises((CancelledError, WorkerDied)):
            future.result(0)
    with pytest.raises(RuntimeError):
        pool.submit(work.add, 1, 1)


def test_shutdown_waits_for_what_was_submitted():
    with SlotPool(1) as pool:
        futures = [pool.submit(work.add, number, 0) for number in range(4)]
    assert [future.result(0) for future in futures] == list(range(4))


def test_workers_go_when_their_parent_is_killed():
    code = (
        "import time; from tk_tools.jobs.pool import SlotPool; from tests.jobs import work\n"
        "if __name__ == '__main__':\n"
        "    pool = SlotPool(2); a = [pool.submit(work.own_process) for _ in range(2)]\n"
        "    [f.result() for f in a]; b = [pool.submit(time.sleep, 60) for _ in range(2)]\n"
        "    time.sleep(0.3); print('ready', flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout.readline() == b"ready\n"
    workers = children(parent.pid)
    assert workers
    parent.kill()
    parent.wait()
    assert wait_until(lambda: not any(Path(f"/proc/{process}").exists() for process in workers), seconds=4)


def test_workers_are_started_with_ctrl_c_held_back():
    """It reaches the whole group, also a process that is not far enough to ignore it."""
    program = """
import signal
from multiprocessing import util
from tk_tools.jobs.pool import SlotPool

def spawn(*arguments):
    print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []), flush=True)
    return usual(*arguments)

usual, util.spawnv_passfds = util.spawnv_passfds, spawn
if __name__ == "__main__":
    SlotPool(1).submit(abs, -1).result()
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.split()[-1] == "True"  # the first is the helper of multiprocessing

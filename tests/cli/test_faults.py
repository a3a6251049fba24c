"""Signals, kills and rivals at any moment: what a user finds afterwards is whole, or not there."""

import contextlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.conftest import SCRIPTS
from tests.jobs.test_pool import children, wait_until
from tests.media import write_clip

NAMES = ["a", "b", "c", "d"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Clips that take a moment each, and the results of an undisturbed run of tk-extract-frames."""
    folder = tmp_path_factory.mktemp("faults")
    clip = write_clip(folder / "a.mp4", frames=100, height=160, width=160, sound=4.0)
    for name in NAMES[1:]:
        (folder / f"{name}.mp4").write_bytes(clip.read_bytes())
    subprocess.run(
        [SCRIPTS / "tk-extract-frames", "--codec", "png", folder, folder / ".whole"], check=True, capture_output=True
    )
    return folder


def start(folder: Path, out: Path, *options: str, inputs=None) -> subprocess.Popen:
    command = [SCRIPTS / "tk-extract-frames", "--codec", "png", *options, inputs or folder, out]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def catches(process: int, number: int) -> bool:
    """Whether a process has a handler of its own for a signal."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return bool(int(status["SigCgt"], 16) >> (number - 1) & 1)


def assert_whole(folder: Path, out: Path, *, complete: bool) -> None:
    """Every file in `out` is a finished result; with `complete`, all are there."""
    names = sorted(os.listdir(out)) if out.exists() else []
    for name in names:
        assert (out / name).read_bytes() == (folder / ".whole" / name).read_bytes(), name
    if complete:
        assert names == [f"{name}.frames.h5" for name in NAMES]


def descendants(process: int) -> list[int]:
    direct = children(process)
    return direct + [grandchild for child in direct for grandchild in descendants(child)]


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(("number", "codes"), [(signal.SIGINT, {130, -2}), (signal.SIGTERM, {143, -15})])
@pytest.mark.parametrize("whole_group", [False, True], ids=["process", "group"])
def test_a_signal_at_any_moment(folder, tmp_path, workers, number, codes, whole_group):
    chance = random.Random(f"{workers} {number} {whole_group}")
    ends = set()
    for attempt in range(4):
        out = tmp_path / str(attempt)
        process = start(folder, out, "--workers", workers)
        assert wait_until(lambda pid=process.pid: catches(pid, signal.SIGTERM), seconds=20)  # Python itself is up
        time.sleep(chance.uniform(0, 1.6))
        started = descendants(process.pid)
        (os.killpg if whole_group else os.kill)(process.pid, number)
        try:
            _, err = process.communicate(timeout=20)
        finally:
            process.kill()
        ends.add(process.returncode)
        assert process.returncode in codes | {0}
        assert "Traceback" not in err
        assert "Exception ignored" not in err
        assert_whole(folder, out, complete=False)
        assert wait_until(
            lambda gone=started: not any(Path(f"/proc/{process}").exists() for process in gone), seconds=5
        )
    assert ends & codes


@pytest.mark.parametrize("workers", ["1", "2"])
def test_killed_and_run_again(folder, tmp_path, workers):
    chance = random.Random(workers)
    out = tmp_path / "out"
    for _ in range(3):
        process = start(folder, out, "--workers", workers)
        time.sleep(chance.uniform(0.5, 2.0))
        started = descendants(process.pid)
        process.kill()
        process.communicate()
        assert wait_until(
            lambda gone=started: not any(Path(f"/proc/{process}").exists() for process in gone), seconds=5
        )
        finished = [path for path in out.glob("*.h5") if not path.name.startswith(".")] if out.exists() else []
        for path in finished:
            assert path.read_bytes() == (folder / ".whole" / path.name).read_bytes()
    process = start(folder, out, "--workers", workers)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert_whole(folder, out, complete=True)


def test_a_killed_worker_costs_nothing(folder, tmp_path):
    process = start(folder, tmp_path / "out", "--workers", "2")
    assert wait_until(lambda: list((tmp_path / "out").glob(".tk-*")) if (tmp_path / "out").exists() else False)
    os.kill(children(process.pid)[0], signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out.count("\n")) == (0, 4)
    told, summary = (line.split(": ", 2)[-1] for line in err.splitlines())
    assert told == "worker was killed (signal 9), perhaps out of memory (fewer --workers take less); tried again"
    assert summary.endswith("4 done")
    assert_whole(folder, tmp_path / "out", complete=True)


def test_two_runs_at_once_on_one_folder(folder, tmp_path):
    runs = [start(folder, tmp_path / "out", "--workers", workers) for workers in ("1", "2")]
    for process in runs:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out.count("\n")) == (0, 4), err
    assert_whole(folder, tmp_path / "out", complete=True)


def test_the_workers_share_of_the_output_folder_may_vanish(folder, tmp_path):
    """A folder that is removed under a tool is told, and nothing hangs."""
    out = tmp_path / "out"
    process = start(folder, out, "--workers", "2")
    assert wait_until(lambda: out.exists() and any(out.iterdir()))
    out.rename(tmp_path / "moved")
    _, err = process.communicate(timeout=60)
    assert process.returncode in (0, 1)
    assert "Traceback" not in err


def test_an_input_that_kills_its_worker_is_told_by_name(folder, tmp_path):
    """As when one clip needs more memory than there is: the system kills whatever worker takes it."""
    process = start(folder, tmp_path / "out", "--workers", "2", "--errors", tmp_path / "errors.ndjson")
    while process.poll() is None:
        for temporary in (tmp_path / "out").glob(".tk-*b.frames.h5"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(temporary.name.split("-")[2]), signal.SIGKILL)
        time.sleep(0.005)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert [Path(line).name for line in out.splitlines()] == [f"{name}.frames.h5" for name in "acd"]
    killed, summary = (line.split("tk-extract-frames: ")[1] for line in err.splitlines())
    says = "worker was killed (signal 9), perhaps out of memory (fewer --workers take less); tried 2 times"
    assert killed == f"{folder / 'b.mp4'}: {says}"
    assert summary == "3 done, 1 failed"
    assert says in (tmp_path / "errors.ndjson").read_text()
    assert not list((tmp_path / "out").glob(".tk-*"))

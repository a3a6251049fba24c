"""How a service starts and ends: what cannot be used, signals, crashes, and what is there afterwards."""

import signal
import socket
from pathlib import Path

import pytest

from tests.models.wav2lip.clips import make_clip
from tests.serve.waiting import wait_until
from tk_tools.cli._main import run
from tk_tools.cli.serve import command
from tk_tools.serve.store import TWICE


def test_a_port_in_use(fails):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, (line,) = fails("--port", port)
    assert (code, f"port {port} of 127.0.0.1 is in use" in line) == (2, True)


def test_a_folder_in_use(start, fails, tmp_path):
    start(state=tmp_path / "state")
    code, (line,) = fails("--port", 0)
    assert (code, "another tk-serve uses the folder" in line) == (2, True)


def test_weights_that_cannot_be_used(fails):
    code, (line,) = fails("--port", 0, "--checkpoint", "none.pth")
    assert (code, line) == (1, "tk-serve: none.pth: no such file of weights")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--template", "none.mp4"), 1, "none.mp4: cannot be read: No such file"),
        (("--template", "a.mp4", "--template", "x/a.mp4"), 2, "two templates are called a"),
        (("--template", f"d={__file__}"), 1, "test_ends.py: is not a media file"),
        (("--template", "d=/b/none.mp4"), 1, "/b/none.mp4: cannot be read"),
        (("--template", "a b=x"), 2, "letters, digits"),
        (("--token-file", "none"), 2, "cannot be read"),
        (("--callback-host", "http://x/y"), 2, "is not HOST or HOST:PORT"),
        (("--device", "warp"), 2, "say auto, cpu, cuda"),
        (("--device", "cpu", "--device", "cpu"), 2, "named twice"),
        (("--host", "256.1.1.1"), 2, "is no address"),
        (("--audio", "a.wav"), 2, "No such option"),
        (("--model", "hifigan"), 2, "hifigan is not served"),
        (("--model=nope",), 2, "no model 'nope'"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_loaded(capsys, tmp_path, arguments, code, says):
    first = () if "--model" in arguments[0] else ("--model", "wav2lip")
    given = [*first, "--checkpoint", "x", "--port", "0", "--state", str(tmp_path), *arguments]
    assert run(command, given) == code
    out, err = capsys.readouterr()
    assert (out, says in err.splitlines()[-1]) == ("", True), err


def test_crops_without_their_video_are_no_template(capsys, tmp_path):
    make_clip(tmp_path / "her.face.h5", frames=6)
    given = ["--model", "wav2lip", "--checkpoint", "x", "--port", "0", "--state", str(tmp_path / "state")]
    assert run(command, [*given, "--template", str(tmp_path / "her.face.h5")]) == 1
    assert "her.face.h5: its video " in capsys.readouterr().err


def test_the_model_s_options_are_those_of_the_service(capsys):
    assert run(command, ["--model", "wav2lip", "--help"]) == 0
    out = capsys.readouterr().out
    assert "--on-short-video" in out
    assert "--backend" in out
    assert "--audio" not in out


def test_sigterm_puts_the_running_job_back_and_another_start_makes_it(start, tmp_path):
    served = start(state=tmp_path / "kept")
    done, running, waiting = (served.queue(pace=pace) for pace in ("0", "2", "0"))
    result = served.ask("GET", served.wait(done)["result"]).content
    served.wait(running, "running")
    assert served.stop() == 143
    assert served.said().splitlines()[-1].endswith("tk-serve: terminated")
    again = start(state=tmp_path / "kept")
    assert again.ask("GET", f"/jobs/{done}/result").content == result
    assert [again.wait(job)["state"] for job in (running, waiting)] == ["done", "done"]
    assert again.stop(signal.SIGINT) == 130


@pytest.mark.slow
def test_killed_twice_over_one_job(start, media, tmp_path):
    jobs = []
    for _ in range(2):
        served = start(state=tmp_path / "kept")
        jobs = jobs or [served.queue(pace="60"), served.queue()]
        served.wait(jobs[0], "running")
        workers = _children(served)
        assert len(workers) >= 2
        (served.state / "jobs" / ("0" * 32)).mkdir(exist_ok=True)  # of an upload that was going on
        served.stop(signal.SIGKILL)
        wait_until(lambda: not any(map(_is_there, workers)))  # noqa: B023 - called at once
    last = start(state=tmp_path / "kept")
    ended = [last.wait(job) for job in jobs]
    assert [(job["state"], job["error"]) for job in ended] == [("failed", TWICE), ("done", "")]
    assert last.folders() == sorted(jobs)


def _children(served):
    """The processes that a service started, whichever of its threads did."""
    tasks = Path(f"/proc/{served.process.pid}/task").iterdir()
    return [int(one) for task in tasks for one in (task / "children").read_text().split()]


def _is_there(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_an_address_for_everyone_without_a_token_is_told(start):
    served = start("--host", "0.0.0.0")
    assert "--token-file keeps strangers out" in served.said()

"""Every way out has its code: done, some failed, wrong usage, interrupted, terminated, a closed pipe, a full disk."""

import io
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import click
import pytest

from tests.cli.conftest import SCRIPTS
from tk_tools.cli._log import Log
from tk_tools.cli._main import ExitCode, Terminated, run
from tk_tools.errors import ConfigError, InputError, OutputError


def raising(error: BaseException) -> click.Command:
    @click.command("tk-test")
    def command():
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (InputError("is bad", path="a.mp4"), 1, "tk-test: a.mp4: is bad\n"),
        (OutputError("no room"), 1, "tk-test: no room\n"),
        (OSError(28, "No space left on device", "a.h5"), 1, "tk-test: a.h5: No space left on device\n"),
        (ConfigError("no such key"), 2, "tk-test: no such key\n"),
        (click.ClickException("wrong"), 2, "tk-test: wrong\n"),
        (KeyboardInterrupt(), 130, "tk-test: interrupted\n"),
        (Terminated(), 143, "tk-test: terminated\n"),
        (BrokenPipeError(), 141, ""),
        (InputError("is bad", path="new\nline \udcff.mp4"), 1, "tk-test: new\\nline \\udcff.mp4: is bad\n"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_each_end_has_its_code_and_at_most_one_line(capsys, error, code, says):
    assert run(raising(error), []) == code
    assert capsys.readouterr() == ("", says)


def test_wrong_usage_says_how_it_is_used(capsys):
    assert run(raising(click.UsageError("wrong")), []) == 2
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[-1]) == ("", "Error: wrong")
    assert err.startswith("Usage: tk-test")


def test_a_fault_of_ours_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        run(raising(ZeroDivisionError()), [])


@pytest.mark.parametrize("value", list(ExitCode))
def test_what_a_command_returns_is_its_code(value):
    assert run(click.Command("tk-test", callback=lambda: value), []) == value


def test_one_bad_of_three(tk, clip, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_text("text")
    ran = tk("tk-extract-audio", clip, bad, tmp_path / "none.mp4", tmp_path / "out")
    assert ran.code == 1
    assert ran.paths == [tmp_path / "out" / "clip.wav"]
    assert [line.split(": ")[1] for line in ran.err.splitlines()[:2]] == [str(bad), str(tmp_path / "none.mp4")]
    assert ran.err.splitlines()[2].endswith("1 done, 2 failed")


def start(*arguments, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [SCRIPTS / arguments[0], *map(str, arguments[1:])],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True, **options,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_while_paths_are_waited_for(number, code, word, tmp_path):
    process = start("tk-mel", "-", tmp_path)
    assert "reading paths from standard input" in process.stderr.readline()
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert err == f"tk-mel: {word}\n"


def test_two_signals_at_once_are_one(tmp_path):
    process = start("tk-mel", "-", tmp_path)
    process.stderr.readline()
    for _ in range(3):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.02)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in err


@pytest.mark.parametrize("workers", [1, 2])
def test_a_closed_pipe_ends_quietly(clip, tmp_path, workers):
    for number in range(8):
        (tmp_path / f"{number}.mp4").write_bytes(clip.read_bytes())
    process = start("tk-extract-audio", "--workers", workers, tmp_path, tmp_path / "out")
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 141
    assert process.stderr.read() == ""
    assert all(name.endswith(".wav") and not name.startswith(".") for name in os.listdir(tmp_path / "out"))


def test_a_full_standard_output(clip, tmp_path):
    with open("/dev/full", "w") as full:
        for arguments in (("--help",), (clip, tmp_path / "out")):
            command = [SCRIPTS / "tk-mel", *arguments]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
            assert done.returncode == 1
            assert "No space left on device" in done.stderr
            assert done.stderr.count("\n") == 1


def test_closed_standard_streams(clip, tmp_path):
    command = f'"{SCRIPTS}/tk-extract-audio" "{clip}" "{tmp_path}/out"'
    for closed in (">&-", "2>&-", "<&-", "<&- >&- 2>&-"):
        done = subprocess.run(["sh", "-c", f"{command} --force {closed}"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        assert Path(tmp_path, "out", "clip.wav").is_file()


def test_a_message_that_nobody_can_read_ends_nothing(monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    with io.TextIOWrapper(open(writer, "wb", buffering=0), write_through=True) as gone:
        monkeypatch.setattr("sys.stderr", gone)
        Log("tk-serve").error("the disk is full")


@pytest.mark.parametrize(
    ("tool", "limit"), [("tk-extract-frames", 20_000), ("tk-extract-audio", 20_000), ("tk-mel", 4000)]
)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk(clip, tmp_path, tool, limit, workers):
    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    out = tmp_path / "out"
    command = [SCRIPTS / tool, "--workers", str(workers), clip, out]
    done = subprocess.run(command, preexec_fn=limited, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "cannot be written: the file grew past the size limit" in line
    assert str(out) in line
    assert not out.exists()

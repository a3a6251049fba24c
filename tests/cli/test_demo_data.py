"""tk-demo-data: paths on stdout, the same bytes whatever the workers, no work done twice."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from tests.cli.conftest import SCRIPTS
from tests.media import write_clip
from tk_tools.cli import demo_data
from tk_tools.cli._main import run as run_command
from tk_tools.demo.script import LONGEST_SHIFT
from tk_tools.files.kinds import KINDS
from tk_tools.files.textgrid import read_phones

SMALL = ["--seconds", "0.6", "--size", "96"]


def run(*arguments, code=0):
    result = CliRunner().invoke(demo_data.command, [str(one) for one in arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    return folder, run("--clips", 3, "--seed", 4, *SMALL, folder).stdout


def test_prints_each_clip_and_keeps_the_truth_beside_it(made):
    folder, stdout = made
    stems = [f"demo-4-00{number}" for number in range(3)]
    assert stdout.splitlines() == [str(folder / f"{stem}.mp4") for stem in stems]
    assert sorted(contents(folder)) == sorted(f"{stem}{kind}" for stem in stems for kind in (".mp4", ".truth.h5"))


def test_workers_and_start_give_the_same_bytes(made, tmp_path):
    run("--clips", 2, "--seed", 4, "--start", 1, "--workers", 2, *SMALL, tmp_path)
    expected = {name: data for name, data in contents(made[0]).items() if "-000." not in name}
    assert contents(tmp_path) == expected


def test_second_run_does_only_what_is_missing_or_differs(made, tmp_path):
    arguments = ["--clips", 2, "--seed", 4, *SMALL, "--json", tmp_path]

    def statuses(*more):
        return [json.loads(line)["status"] for line in run(*arguments, *more).stdout.splitlines()]

    assert statuses() == ["done", "done"]
    assert statuses() == ["current", "current"]
    (tmp_path / "demo-4-000.truth.h5").unlink()
    assert statuses() == ["done", "current"]
    assert statuses("--shift", 2) == ["done", "done"]
    assert statuses("--shift", 2, "--force") == ["done", "done"]


def test_json_names_clip_and_truth(tmp_path):
    row = json.loads(run("--clips", 1, *SMALL, "--json", tmp_path).stdout)
    assert row == {
        "path": str(tmp_path / "demo-0-000.mp4"),
        "status": "done",
        "truth": str(tmp_path / "demo-0-000.truth.h5"),
    }


@pytest.mark.parametrize(
    "arguments", [["--clips", "0"], ["--shift", "16"], ["--size", "10"], ["--seconds", "0"], ["--seconds", "nan"]]
)
def test_values_out_of_range(arguments, tmp_path):
    assert arguments[0] in run(*arguments, tmp_path / "out", code=2).output
    assert not (tmp_path / "out").exists()


def test_output_is_a_file(tmp_path):
    (tmp_path / "out").write_text("mine")
    assert "is a file" in run(tmp_path / "out", code=2).output
    assert (tmp_path / "out").read_text() == "mine"


def test_without_the_synthesiser(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    assert run_command(demo_data.command, [str(tmp_path)]) == 1
    assert capsys.readouterr().err.rstrip().endswith("install it with: pip install espeakng-loader")


@pytest.mark.parametrize("blocks", [40, 8])  # the truth fits; neither does
def test_full_disk_names_the_clip_and_leaves_neither_clip_nor_truth(tmp_path, blocks):
    """A limit on the size of files stands for a full disk."""
    command = (
        f"ulimit -f {blocks}; exec '{sys.executable}' -m tk_tools.cli.demo_data --clips 1 --seconds 2 '{tmp_path}'"
    )
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert f"{tmp_path}/demo-0-000.mp4: " in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_killed_worker_is_told_with_its_clip_and_leaves_nothing(tmp_path):
    command = [SCRIPTS / "tk-demo-data", "--clips", "2", "--seconds", "3", "--workers", "2", tmp_path]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None:
        for temporary in tmp_path.glob(".tk-*demo-0-000.mp4"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(temporary.name.split("-")[2]), signal.SIGKILL)
        time.sleep(0.005)
    out, err = process.communicate()
    assert (process.returncode, out) == (1, "")
    clip = tmp_path / "demo-0-000.mp4"
    assert err.startswith(f"tk-demo-data: {clip}: worker was killed (signal 9), perhaps out of memory")
    assert err.count("\n") == 1
    assert not [path for path in tmp_path.iterdir() if path.name.startswith((".", "demo-0-000"))]


def test_shift_of_the_option_is_that_of_the_library():
    assert demo_data.LONGEST_SHIFT == LONGEST_SHIFT


def test_truth_is_a_kind_of_the_box():
    assert KINDS["truth"].suffix == ".truth.h5"


def test_a_video_of_the_user_is_kept(tmp_path):
    mine = tmp_path / "demo-0-000.mp4"
    write_clip(mine)
    before = mine.read_bytes()
    ran = subprocess.run(
        [SCRIPTS / "tk-demo-data", "--clips", "1", "--seconds", "0.4", "--size", "64", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "not made by these tools" in ran.stderr
    assert mine.read_bytes() == before
    assert os.listdir(tmp_path) == [mine.name]


def test_recordings_of_speakers_with_what_they_say(tmp_path):
    lines = run("--speakers", 2, "--clips", 2, tmp_path).stdout.splitlines()
    assert [line.removeprefix(f"{tmp_path}/") for line in lines] == [
        f"{voice}/{voice}_{number:03d}.wav" for voice in ("voice0a", "voice0b") for number in range(2)
    ]
    phones = read_phones(tmp_path / "voice0a" / "voice0a_000.TextGrid")
    assert phones.symbols[0] == phones.symbols[-1] == ""
    assert len(phones.symbols) > 10
    assert (phones.times[1:, 0] == phones.times[:-1, 1]).all()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    again = run("--json", "--speakers", 2, "--clips", 2, tmp_path).stdout.splitlines()
    assert [json.loads(line)["status"] for line in again] == ["current"] * 4
    run("--force", "--workers", 2, "--speakers", 2, "--clips", 2, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


@pytest.mark.parametrize("suffix", [".txt", ".TextGrid", ".wav"])
def test_a_file_of_the_user_is_not_overwritten(tmp_path, suffix):
    own = tmp_path / "voice0a" / f"voice0a_000{suffix}"
    own.parent.mkdir()
    own.write_text("mine")
    result = run_command(demo_data.command, ["--speakers", "1", "--clips", "1", str(tmp_path)])
    assert result == 1
    assert own.read_text() == "mine"


def test_what_recordings_do_not_have_is_wrong_usage(tmp_path):
    assert "--seconds is of clips" in run("--speakers", 2, "--seconds", 3, tmp_path, code=2).output

"""What all recipes, and the scripts of bin/, answer to a command line."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.recipes.shell import shell

ROOT = Path(__file__).parents[2]
RUNS = sorted(ROOT.glob("recipes/*/run.sh"))
SCRIPTS = [*RUNS, *sorted(ROOT.glob("recipes/*/demo.sh")), *(ROOT / "bin" / name for name in ("demo", "setup", "test"))]


def name(path):
    return str(path.relative_to(ROOT)) if isinstance(path, Path) else None


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_help_is_shown_and_nothing_is_done(script, tmp_path):
    done = shell(script, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "Usage:" in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("script", RUNS, ids=name)
@pytest.mark.parametrize(
    "arguments",
    [
        ["--nonsense", "1", "a", "b"],
        ["a"],
        ["--stage"],
        ["a", "b", "c"],
        ["--stage", "abc", "a", "b"],
        ["--stage", "99", "a", "b"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(script, arguments, tmp_path):
    done = shell(script, *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("script", RUNS, ids=name)
def test_a_stage_without_the_ones_before_says_which(script, tmp_path):
    done = shell(script, "--preset", "tiny", "--stage", 5, "--stop-stage", 5, tmp_path, tmp_path / "work")
    assert done.returncode == 1
    assert "run stages 0 to" in done.stderr


@pytest.mark.parametrize("script", RUNS, ids=name)
def test_a_missing_config_is_told_before_any_work(script, tmp_path):
    done = shell(script, "--config", "nowhere", tmp_path, tmp_path / "work")
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert not (tmp_path / "work").exists()


def test_a_signal_is_told_with_the_stage_that_it_ended(tmp_path):
    """It comes while a tool works, here a tool that only waits."""
    tool = tmp_path / "bin" / "tk-info"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho waiting >&2\nexec sleep 60\n")
    tool.chmod(0o755)
    command = [ROOT / "recipes/wav2lip/run.sh", tmp_path, tmp_path / "work"]
    environment = {**os.environ, "PATH": f"{tool.parent}:{os.environ['PATH']}"}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        for line in process.stderr:
            if line == "waiting\n":
                break
        process.terminate()
        process.wait(timeout=60)
        os.killpg(process.pid, signal.SIGTERM)  # the tool, which has the pipe open
        assert "killed in stage 0 after" in process.stderr.read()
    assert process.returncode == -signal.SIGTERM


def test_dubbing_by_a_model_that_is_not_of_the_recipe_ends_with_2(tmp_path):
    done = shell(ROOT / "recipes/lawdnet/run.sh", "--model", "wav2lip", "a", "b", cwd=tmp_path)
    assert done.returncode == 2
    assert "--model is lawdnet or dinet" in done.stderr

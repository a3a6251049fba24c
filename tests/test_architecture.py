"""Arrows between the folders point one way, the code is formatted, and the repository holds nothing of a machine."""

import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LARGEST = 1_000_000  # bytes
MACHINE = re.compile(rb"(?<![\w.$}/-])/(?:work|root|home|Users)/\w")


def run(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """Every file of the repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def test_arrows_point_one_way():
    done = run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("check", [("check",), ("format", "--check")], ids=" ".join)
def test_ruff(check):
    done = run(sys.executable, "-m", "ruff", *check, "--quiet", ".")
    assert done.returncode == 0, done.stdout + done.stderr


def test_modules_stay_small():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in ROOT.joinpath("tk_tools").rglob("*.py")
        if (lines := path.read_text().count("\n")) > 450
    }
    assert long == {}


def test_no_large_files(files):
    assert {str(path): path.stat().st_size for path in files if path.stat().st_size > LARGEST} == {}


def test_no_paths_of_a_machine(files):
    found = {}
    for path in files:
        content = path.read_bytes()
        if path != Path(__file__) and b"\0" not in content and (match := MACHINE.search(content)):
            found[str(path.relative_to(ROOT))] = content[max(0, match.start() - 30) : match.end() + 30]
    assert found == {}


def test_every_command_has_a_console_script():
    scripts = {script.module for script in distribution("tk-tools").entry_points if script.group == "console_scripts"}
    commands = {f"tk_tools.cli.{path.stem}" for path in ROOT.glob("tk_tools/cli/[a-z]*.py")}
    assert commands == scripts

"""Ways to run a command: in this process for breadth, as the installed program for pipes, signals and codes."""

import io
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tk_tools.cli._main import run

SCRIPTS = Path(sysconfig.get_path("scripts"))


@dataclass(frozen=True)
class Ran:
    """What a run gave: exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def paths(self) -> list[Path]:
        return [Path(line) for line in self.out.splitlines()]


@pytest.fixture
def tk(capfd, monkeypatch):
    """Run a tool in this process: tk("tk-mel", "a.wav", "out/", stdin=b"")."""

    def call(tool: str, *arguments, stdin: bytes = b"") -> Ran:
        (script,) = entry_points(group="console_scripts", name=tool)
        script.load()
        module = sys.modules[script.module]
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = run(module.command, [str(argument) for argument in arguments])
        return Ran(int(code), *capfd.readouterr())

    return call


@pytest.fixture
def installed():
    """Run the installed program: installed("tk-mel", ..., stdin=b"") -> Ran; options as subprocess.run's."""

    def call(tool: str, *arguments, stdin: bytes = b"", **options) -> Ran:
        done = subprocess.run(
            [SCRIPTS / tool, *map(str, arguments)],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=100,
            **options,
        )
        return Ran(done.returncode, done.stdout.decode(errors="surrogateescape"), done.stderr.decode())

    return call

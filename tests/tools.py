"""Tools as programs of their own, where nothing but their result matters."""

import subprocess
import sys


def call(tool, *arguments):
    """What `tk_tools.cli.TOOL` prints; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", f"tk_tools.cli.{tool}", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()

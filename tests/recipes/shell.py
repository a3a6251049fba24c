"""Commands as a user starts them, with the installed tools on the path."""

import os
import subprocess

from tests.cli.conftest import SCRIPTS


def shell(*command, **options):
    environment = {**os.environ, "PATH": f"{SCRIPTS}:{os.environ['PATH']}"}
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, env=environment, **options
    )

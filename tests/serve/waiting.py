"""Waiting for something to come true."""

import time
from collections.abc import Callable


def wait_until(holds: Callable[[], bool]) -> None:
    """Until `holds()`; half a minute without it is a fault."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)

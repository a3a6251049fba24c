"""The commands, one file each: options, help, and one call into the library. No work is done here."""

import os
import signal
import sys

_TOOL = os.path.basename(sys.orig_argv[1]) if len(sys.orig_argv) > 1 else ""  # a worker process begins with -c


def _leave(number: int, frame) -> None:
    """A signal during the imports, before the entry point takes over: nothing is begun, and nothing to clear away."""
    what = "interrupted" if number == signal.SIGINT else "terminated"
    try:
        os.write(2, f"{_TOOL}: {what}\n".encode())
    finally:
        os._exit(128 + number)


if _TOOL.startswith("tk-"):
    signal.signal(signal.SIGTERM, _leave)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not so under nohup and the like
        signal.signal(signal.SIGINT, _leave)

"""Tools as programs of their own, where nothing but their result or their memory matters."""

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


_PEAK = """
import threading, time

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
peak = 0
def watch():
    global peak
    while True:
        peak = max(peak, resident())
        time.sleep(0.01)
threading.Thread(target=watch, daemon=True).start()
work()
print(peak)
"""


def peak_memory(work, *arguments):
    """The most bytes that were resident in a program of its own that calls `work()`; work: Python that defines it."""
    command = [sys.executable, "-c", work + _PEAK, *map(str, arguments)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

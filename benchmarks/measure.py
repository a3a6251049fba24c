"""Time two ways of doing one thing, in turn, and keep the figures with the machine that gave them."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def machine() -> str:
    """The processor, its cores and the versions that matter."""
    import torch

    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, Python {platform.python_version()}, torch {torch.__version__}"


Clock = Callable[[], float]


def seconds(work: Callable[[], object], clock: Clock = time.perf_counter) -> float:
    """Seconds of one call, by the clock on the wall or another."""
    start = clock()
    work()
    return clock() - start


def in_turn(
    ours: Callable[[], object], other: Callable[[], object], rounds: int = 5, clock: Clock = time.perf_counter
) -> tuple[float, float]:
    """Median seconds of both, A B A B ..., after one uncounted call of each."""
    ours(), other()
    pairs = [(seconds(ours, clock), seconds(other, clock)) for _ in range(rounds)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def one_core() -> None:
    """Keep this process to one core and one thread; `time.process_time` then tells what its work takes by itself."""
    import torch

    os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])
    torch.set_num_threads(1)


def run_timed(command: Sequence[str], **options) -> tuple[float, float]:
    """Wall-clock seconds and peak memory (MB, the largest process) of a command that must succeed."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
    words = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    taken = time.perf_counter() - start
    if status != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{words.decode(errors='replace')[-2000:]}")
    return taken, usage.ru_maxrss / 1024


def report(name: str, rows: list[dict]) -> None:
    """Print the rows and keep them in results/NAME.json with the machine."""
    for row in rows:
        cells = (f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}" for key, value in row.items())
        print("\t".join(cells))
    RESULTS.mkdir(exist_ok=True)
    content = {"machine": machine(), "rows": rows}
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")

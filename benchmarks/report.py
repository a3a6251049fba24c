"""Time, memory and size of tk-report on ten thousand rows, alone and as two systems that are compared.

python -m benchmarks.report [ROWS]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measure import report, run_timed

ROWS = 10_000
MEASURES = ("ssim", "psnr", "ssim_mouth", "psnr_mouth", "lmd", "identity", "lpips", "cpbd")


def main(rows: int) -> None:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        tables = [_write_table(Path(folder, f"{name}.tsv"), name, rows, seed) for seed, name in enumerate("ab")]
        for what, inputs in (("one table", tables[:1]), ("two systems", ["--compare", *tables])):
            out = Path(folder, what)
            taken, peak = run_timed(["tk-report", "-qq", "--out", out, *inputs])
            size = (out / "index.html").stat().st_size / 1e6
            found.append({"what": what, "rows": rows, "measures": len(MEASURES), "seconds": taken})
            found[-1] |= {"peak_mb": peak, "page_mb": size}
    report("report", found)


def _write_table(path: Path, name: str, rows: int, seed: int) -> Path:
    values = np.random.default_rng(seed).normal(0.9, 0.02, (rows, len(MEASURES)))
    lines = ["\t".join(("path", "reference", "frames", *MEASURES, "error"))]
    for row, numbers in enumerate(values):
        clip = f"speaker {row % 97:03d}/a clip with a rather long name {row:05d}.mp4"
        cells = (f"{name}/{clip}", f"real/{clip}", "250", *(f"{number:.6g}" for number in numbers), "")
        lines.append("\t".join(cells))
    path.write_text("\n".join(lines) + "\n")
    return path


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)

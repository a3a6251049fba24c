"""How near held-out recordings come to another voice: what a run of recipes/diffvc measured.

python -m benchmarks.diffvc_quality WORK      WORK: what the recipe made, on recordings of its user
Cosine of GE2E embeddings with the recordings of the wanted voice, of each recording before and after its conversion;
and afterwards with those of the voice that said it.
"""

from __future__ import annotations

import csv
import statistics
import subprocess
import sys
from io import StringIO
from pathlib import Path

from benchmarks.measure import report


def similarities(table: str) -> dict[str, float]:
    """Similarity to the voice of each recording, by its name, from the TSV of tk-eval-audio --voice."""
    lines = [line for line in StringIO(table) if line.strip()]
    header = lines[0]
    rows = csv.DictReader([header, *(line for line in lines if line != header)], delimiter="\t")
    return {Path(row["path"]).stem: float(row["speaker"]) for row in rows if row["speaker"]}


def to_their_own(work: Path) -> dict[str, float]:
    """Similarity of each conversion to the voice that said it."""
    with open(work / "recordings.txt", encoding="utf-8") as stream:
        said = [line.rstrip("\n").split("\t") for line in stream]
    folders = {Path(path).stem: Path(path).parent for _, path in said}
    found = {}
    for made in (Path(line) for line in (work / "converted.txt").read_text(encoding="utf-8").splitlines()):
        command = ["tk-eval-audio", "-q", "--voice", folders[made.stem], made]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found |= similarities(done.stdout)
    return found


def main(work: Path) -> None:
    before, after = (similarities((work / f"report/{when}.tsv").read_text()) for when in ("before", "after"))
    names = sorted(before.keys() & after.keys())
    own = to_their_own(work)
    rows = [{"what": name, "before": before[name], "after": after[name], "own_voice": own[name]} for name in names]
    mean = {key: statistics.mean(row[key] for row in rows) for key in ("before", "after", "own_voice")}
    report("diffvc_quality", [*rows, {"what": f"mean of {len(rows)}"} | mean])


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())

"""In how many frames of real clips tk-crop-face finds the face, with the default backend.

python -m benchmarks.faces_found VIDEO...
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile

from benchmarks.measure import report


def main(videos: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["tk-crop-face", "--json", *videos, folder], stdout=subprocess.PIPE, text=True, check=False
        )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    rows = [
        {
            "clip": row["source"].rpartition("/")[2],
            "frames": row["frames"],
            "with_face": row["frames"] - row["frames_without_face"],
            "share": 1 - row["frames_without_face"] / row["frames"],
        }
        for row in found
    ]
    report("faces_found", rows)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main(sys.argv[1:])

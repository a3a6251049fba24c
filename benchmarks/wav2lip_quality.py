"""How good a trained run is on made clips that it never saw, whose truth is known.

python -m benchmarks.wav2lip_quality RUNS      RUNS: a folder with expert/ and gan/, such as demo-out/work/runs
The expert: share of windows nearer to their own sound than to a shifted one, and how often tk-eval-lse finds an
injected shift exactly. The generator: correlation of the made mouth's opening, from landmarks, with that of
the face that said it.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measure import report

SHIFTS = range(-5, 6)
SEED = 2000  # training uses 0, bin/demo's result 1000
DUBBED = 10


def tk(*command: object) -> list[str]:
    """Lines of stdout of a tool that must not fail."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return done.stdout.splitlines()


def made_clips(folder: Path, count: int, *, shift: int = 0, start: int = 0) -> list[Path]:
    """Made clips of five seconds."""
    options = ("--clips", count, "--seconds", 5, "--seed", SEED, "--start", start, "--shift", shift)
    return [Path(line) for line in tk("tk-demo-data", "-q", *options, folder)]


def judge_expert(expert: Path, folder: Path) -> dict:
    """Facts about the expert on a clip for each shift."""
    from tk_tools.files.sync_file import SyncFile

    clips = [made_clips(folder / f"{shift}", 1, shift=shift, start=shift - SHIFTS[0])[0] for shift in SHIFTS]
    curves = folder / "curves.sync.h5"
    rows = [json.loads(line) for line in tk("tk-eval-lse", "--json", "--expert", expert, "--curves", curves, *clips)]
    exact = sum(row["offset"] == shift for row, shift in zip(rows, SHIFTS, strict=True))
    told = []
    with SyncFile(curves) as file:
        for clip, shift in zip(file, SHIFTS, strict=True):
            own = clip.distance[:, clip.offset == shift]
            others = clip.distance[:, (clip.offset != shift) & (abs(clip.offset - shift) <= 15)]
            there = ~np.isnan(own) & ~np.isnan(others)
            told.append((own < others)[there].mean())
    return {
        "what": "expert",
        "shifts_found_exactly": exact,
        "clips": len(clips),
        "synced_told_from_shifted": float(statistics.mean(told)),
    }


def judge_generator(generator: Path, folder: Path) -> dict:
    """The correlation for faces that speak another clip's sound."""
    from tk_tools.face.mouth import opening_from_landmarks
    from tk_tools.files.face_file import FaceFile
    from tk_tools.files.truth_file import read_truth_file

    clips = made_clips(folder, DUBBED, start=len(SHIFTS))
    found = []
    for number, clip in enumerate(clips):
        speech = clips[(number + 1) % len(clips)]
        made = folder / f"made{number}.mp4"
        tk("tk-infer", "wav2lip", "-q", "--checkpoint", generator, clip, speech, made)
        (face_file,) = tk("tk-crop-face", "-q", made, folder / "faces")
        with FaceFile(face_file) as face:
            opening = opening_from_landmarks(face.landmarks)
        truth = read_truth_file(speech.with_suffix(".truth.h5")).opening
        count = min(len(opening), len(truth))
        found.append(float(np.corrcoef(opening[:count], truth[:count])[0, 1]))
    return {"what": "generator", "mouth_correlation": statistics.mean(found), "least": min(found), "clips": len(found)}


def main(runs: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            judge_expert(runs / "expert", Path(folder, "shifted")),
            judge_generator(runs / "gan", Path(folder, "dubbed")),
        ]
    report("wav2lip_quality", rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())

"""Peak memory on a long clip against that on a short one: tk-crop-face, and tk-infer at the published generator's size.

python -m benchmarks.memory VIDEO
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from benchmarks.measure import report, run_timed

LENGTHS = (30, 120)  # seconds


def main(video: Path) -> None:
    import imageio_ffmpeg

    from tk_tools.models.wav2lip.networks import Generator

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        weights = scratch / "generator.pth"
        torch.save({"state_dict": Generator().state_dict()}, weights)
        peaks: dict[str, list[float]] = {"tk-crop-face": [], "tk-infer": []}
        for length in LENGTHS:
            clip = scratch / f"{length}.mp4"
            command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-stream_loop", "-1"]
            subprocess.run([*command, "-i", video, "-t", str(length), "-r", "25", clip], check=True)
            peaks["tk-crop-face"].append(run_timed(["tk-crop-face", clip, scratch / f"{length}.face.h5"])[1])
            infer = ["tk-infer", "wav2lip", "--checkpoint", weights, clip, clip, scratch / f"{length}-out.mp4"]
            peaks["tk-infer"].append(run_timed(infer)[1])
        for tool, (short, long) in peaks.items():
            rows.append({"what": tool, "peak_mb_30_s": short, "peak_mb_120_s": long, "ratio": long / short})
    report("memory", rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())

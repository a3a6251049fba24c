"""From video to crops: tk-crop-face beside the original's preparation (S3FD on every frame); one and two workers.

python -m benchmarks.crop_face VIDEO [ORIGINAL_CHECKOUT]
VIDEO is scaled to 512x512. The original's detector is run on as many frames as take a minute or so.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import report, run_timed, seconds
from benchmarks.original import import_from, save_stand_in_detector

CLIPS, FRAMES = 4, 1500
ORIGINAL_BATCH = 8  # best of 1, 4, 8, 16, 32 on two cores
_ONE_CORE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def main(video: Path, original: Path | None) -> None:
    import imageio_ffmpeg

    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        clips = [scratch / "in" / f"{number}.mp4" for number in range(CLIPS)]
        clips[0].parent.mkdir()
        for number, clip in enumerate(clips):  # different lengths, so that no two are one file
            length = (FRAMES + number) / 25
            command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-stream_loop", "-1"]
            command += ["-i", video, "-t", str(length), "-r", "25", "-vf", "scale=512:512", clip]
            subprocess.run(command, check=True)
        rows = [_crop(scratch, clips, workers) for workers in (1, 2)]
        rows[1]["ratio_to_one_worker"] = rows[1]["frames_per_second"] / rows[0]["frames_per_second"]
        if original is not None:
            theirs = _original_rate(original, clips[0])
            for row in rows:
                row |= {"original_frames_per_second": theirs, "ratio": row["frames_per_second"] / theirs}
    report("crop_face", rows)


def _crop(scratch: Path, clips: list[Path], workers: int) -> dict:
    frames = CLIPS * FRAMES + sum(range(CLIPS))
    pinned = ["taskset", "-c", ",".join(map(str, sorted(os.sched_getaffinity(0))[:workers]))]
    command = [*pinned, "tk-crop-face", "-q", "--workers", str(workers), scratch / "in", scratch / f"out{workers}"]
    taken, memory = run_timed(command, env={**os.environ, **_ONE_CORE})
    what = f"512x512 to wav2lip crops, {workers} worker(s) on {workers} core(s)"
    return {"what": what, "frames_per_second": frames / taken, "peak_mb": memory}


def _original_rate(original: Path, clip: Path) -> float:
    import_from(original)
    import cv2
    import face_detection

    save_stand_in_detector(original / "face_detection/detection/sfd/s3fd.pth")
    detector = face_detection.FaceAlignment(face_detection.LandmarksType._2D, flip_input=False, device="cpu")
    stream = cv2.VideoCapture(str(clip))
    frames = [stream.read()[1] for _ in range(2 * ORIGINAL_BATCH)]
    import numpy as np

    detector.get_detections_for_batch(np.asarray(frames[:1]))
    batches = [np.asarray(frames[k : k + ORIGINAL_BATCH]) for k in (0, ORIGINAL_BATCH)]
    return len(frames) / seconds(lambda: [detector.get_detections_for_batch(batch) for batch in batches])


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else None)

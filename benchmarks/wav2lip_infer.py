"""The whole of inference, detection to mp4: tk-infer beside the original's inference.py with its S3FD, as processes.

python -m benchmarks.wav2lip_infer ORIGINAL_CHECKOUT FACE.mp4 [SECONDS]
FACE is scaled to 720p and cut to SECONDS (10); random generator weights in both; see original.save_stand_in_detector.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from benchmarks.measure import report, run_timed
from benchmarks.original import environment, import_from, save_stand_in_detector, script_command


def main(original: Path, face: Path, length: float) -> None:
    import imageio_ffmpeg

    import_from(original)
    from models import Wav2Lip

    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        clip, speech, weights = scratch / "clip.mp4", scratch / "speech.wav", scratch / "generator.pth"
        ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-stream_loop", "-1", "-i", face]
        scale = "scale=-2:720,pad=1280:720:(ow-iw)/2:0"
        subprocess.run([*ffmpeg, "-t", str(length), "-vf", scale, clip], check=True)
        subprocess.run([ffmpeg[0], "-nostdin", "-loglevel", "error", "-i", clip, "-ar", "16000", speech], check=True)
        torch.save({"state_dict": Wav2Lip().state_dict()}, weights)
        save_stand_in_detector(original / "face_detection/detection/sfd/s3fd.pth")
        (original / "temp").mkdir(exist_ok=True)
        ours, memory = run_timed(["tk-infer", "wav2lip", "--checkpoint", weights, clip, speech, scratch / "ours.mp4"])
        command = script_command(
            "inference.py", "--checkpoint_path", weights, "--face", clip, "--audio", speech, "--outfile",
            scratch / "theirs.mp4",
        )  # fmt: skip
        other, other_memory = run_timed(command, cwd=original, env=environment(scratch / "bin"))
    row = {"what": f"{length:g} s of 720p, detection to mp4", "seconds": ours, "original_seconds": other}
    row |= {"ratio": other / ours, "peak_mb": memory, "original_peak_mb": other_memory}
    report("wav2lip_infer", [row])


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), float(sys.argv[3]) if len(sys.argv) > 3 else 10.0)

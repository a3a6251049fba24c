"""LSE of a real video, detection to numbers: tk-eval-lse beside the original's detector and scores, as processes.

python -m benchmarks.eval_lse WAV2LIP SYNCNET_PYTHON FACE.mp4 [SECONDS]
FACE is scaled to 720p and cut to SECONDS (10); eight such clips go through two workers. Of the original its S3FD on
each picture and its SyncNetInstance.evaluate are run, and not what lies between (two conversions of the video, shots,
tracks, crops): the least time that it can take. Its weights are stand-ins that cost what real ones cost, and its CUDA
calls are turned to the CPU. It needs python_speech_features. Then the peak memory of tk-eval-lse on a clip and on one
four times as long.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from benchmarks.measure import report, run_timed
from benchmarks.original import environment
from tk_tools.metrics.syncnet_v2 import SyncNetV2

CLIPS = 8

ORIGINAL = """
import sys, types
from argparse import Namespace
wav2lip, syncnet_python, clip, crop, weights, scratch = sys.argv[1:]
import numpy, cv2, torch
numpy.int = int
torch.Tensor.cuda = torch.nn.Module.cuda = lambda self, *rest, **more: self
sys.modules["torchvision"] = types.ModuleType("torchvision")
sys.modules["torchvision"].transforms = None
sys.path[:0] = [syncnet_python, wav2lip + "/evaluation/scores_LSE"]
import detectors.s3fd as found
state = {key: torch.zeros_like(value) for key, value in found.S3FDNet(device="cpu").state_dict().items()}
for key in state:
    if key.startswith("conf") and key.endswith("bias"):
        state[key][0] = 10.0  # background
state["conf.5.bias"] = torch.tensor([0.0, 10.0])  # a face wherever the coarsest map looks
found.torch.load = lambda *rest, **more: state
detector = found.S3FD(device="cpu")
video = cv2.VideoCapture(clip)
while True:
    more, picture = video.read()
    if not more:
        break
    detector.detect_faces(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), conf_th=0.9, scales=[0.25])
from SyncNetInstance_calc_scores import SyncNetInstance
judge = SyncNetInstance()
judge.evaluate(Namespace(tmp_dir=scratch, reference="clip", batch_size=20, vshift=15), crop)
"""


def main(wav2lip: Path, syncnet_python: Path, face: Path, length: float) -> None:
    import imageio_ffmpeg

    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-y"]
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        weights = scratch / "syncnet_v2.model"
        torch.manual_seed(0)
        torch.save(SyncNetV2().state_dict(), weights)

        def cut(name: str, seconds: float, picture: str) -> Path:
            made = ["-stream_loop", "-1", "-i", face, "-t", str(seconds), "-vf", picture, "-r", "25", scratch / name]
            subprocess.run([*ffmpeg, *made], check=True)
            return scratch / name

        whole = "scale=-2:720,pad=1280:720:(ow-iw)/2:0"
        clip = cut("clip.mp4", length, whole)
        crop = cut("crop.avi", length, "crop='min(iw,ih):min(iw,ih)',scale=224:224")
        longer = cut("longer.mp4", 4 * length, whole)
        clips = scratch / "clips"
        clips.mkdir()
        for number in range(CLIPS):
            (clips / f"{number}.mp4").symlink_to(clip)
        ours, _ = run_timed(["tk-eval-lse", "--workers", "2", "--checkpoint", weights, clips])
        _, memory = run_timed(["tk-eval-lse", "--checkpoint", weights, clip])
        _, longer_memory = run_timed(["tk-eval-lse", "--checkpoint", weights, longer])
        command = [sys.executable, "-c", ORIGINAL, wav2lip, syncnet_python, clip, crop, weights, scratch]
        other, other_memory = run_timed([*map(str, command)], env=environment(scratch / "bin"))
    rates = 60 * CLIPS / ours, 60 / other
    row = {"what": f"LSE of clips of {length:g} s, 720p", "clips_per_minute": rates[0]}
    row |= {"original_clips_per_minute": rates[1], "ratio": rates[0] / rates[1]}
    row |= {"peak_mb": memory, "original_peak_mb": other_memory}
    long_row = {"what": f"peak memory, {4 * length:g} s against {length:g} s", "peak_mb": longer_memory}
    report("eval_lse", [row, long_row | {"ratio": longer_memory / memory}])


if __name__ == "__main__":
    paths = [Path(argument).resolve() for argument in sys.argv[1:4]]
    main(*paths, length=float(sys.argv[4]) if len(sys.argv) > 4 else 10.0)

"""From a video with OpenFace's landmarks to crops to train on: tk-crop-face beside LawDNet's own preparation.

python -m benchmarks.dubbing_preparation LAWDNET VIDEO...
A checkout of iPaw-AI-LAB/LawDNet_2024. Theirs writes every picture, reads it again, crops it and writes the crop, and
takes the sound out: three functions of its data script. Ours does it in one pass. A folder of clips by all cores, as a
user has it done: the command with a worker for each core beside theirs, which know no workers, by the clock on the
wall, once each. Then a clip of each video on one core with one thread, processor time with that of child processes, in
turn. Features are left out on both sides: theirs want TensorFlow 1 or a checkpoint.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from torch import nn

from benchmarks.measure import in_turn, one_core, report, run_timed, seconds
from tk_tools.face.crop import OPENFACE, CropOptions, crop_faces, crop_given
from tk_tools.files.face_file import FaceFile

WIDTH = 640  # of the training crops, as published
PIECE = 9  # pictures of a clip folder
SECONDS = 3
COPIES = 40  # of each clip in the folder of clips, so that starting the workers is a small part
ROUNDS = 3


def main(checkout: Path, videos: list[Path]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        theirs = _original(checkout, Path(folder))
        rows = [_compare_commands(theirs, video, Path(folder, f"{video.stem}_many")) for video in videos]
        one_core()
        cv2.setNumThreads(1)
        rows += [_compare(theirs, video, Path(folder, video.stem)) for video in videos]
    report("dubbing_preparation", rows)


def _original(checkout: Path, tools: Path) -> types.ModuleType:
    """The data script, without what its crops have no part in: TensorFlow, torchvision, and a mask on a GPU.

    tools: a folder for the ffmpeg that it calls.
    """
    import imageio_ffmpeg

    (tools / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    os.environ["PATH"] = f"{tools}{os.pathsep}{os.environ['PATH']}"
    listens = types.ModuleType("utils.deep_speech")
    listens.DeepSpeech = None
    torchvision, transforms = types.ModuleType("torchvision"), types.ModuleType("torchvision.transforms")
    torchvision.transforms = transforms
    sys.modules |= {"utils.deep_speech": listens, "torchvision": torchvision, "torchvision.transforms": transforms}
    sys.path.insert(0, str(checkout))
    importlib.import_module("tensor_processing").SmoothSqMask = nn.Identity
    return importlib.import_module("data_processing_正脸化")


class Clips:
    """A folder of equal clips with their landmarks, and the folders that the original's functions fill."""

    def __init__(self, work: Path, video: Path, copies: int):
        self.work = work
        self.videos, self.landmarks, self.frames, self.audio, self.crops = (
            work / name for name in ("videos", "landmarks", "frames", "audio", "crops")
        )
        for folder in (self.videos, self.landmarks, self.frames, self.audio, self.crops):
            folder.mkdir(parents=True)
        self.clip = self.videos / "clip0.mp4"
        _cut(video, self.clip)
        crop_faces(self.clip, work / "found.face.h5", CropOptions(layout="lawdnet"))
        self.openface = _write_landmarks(work / "found.face.h5", self.landmarks / "clip0.csv")
        for number in range(1, copies):
            shutil.copy(self.clip, self.videos / f"clip{number}.mp4")
            shutil.copy(self.openface, self.landmarks / f"clip{number}.csv")
        with FaceFile(work / "found.face.h5") as file:
            self.pictures, (width, height) = copies * len(file), file.source_size
        self.what = f"{self.pictures} pictures of {width}x{height} and their sound to crops {WIDTH} wide"

    def by_the_original(self, theirs: types.ModuleType) -> None:
        with _silence():
            theirs.extract_video_frame(str(self.videos), str(self.frames))
            theirs.extract_audio(str(self.videos), str(self.audio))
            theirs.crop_face_according_openfaceLM(str(self.landmarks), str(self.frames), str(self.crops), PIECE)

    def row(self, how: str, taken: float, theirs_taken: float) -> dict:
        return {
            "what": f"{self.what}, landmarks given, {how}",
            "frames_per_second": self.pictures / taken,
            "original_frames_per_second": self.pictures / theirs_taken,
            "ratio": theirs_taken / taken,
        }


def _compare_commands(theirs: types.ModuleType, video: Path, work: Path) -> dict:
    clips = Clips(work, video, COPIES)
    cores = len(os.sched_getaffinity(0))
    options = ("--layout", "lawdnet", "--width", WIDTH, "--landmarks", clips.landmarks, "--workers", cores, "--force")
    command = [str(word) for word in ("tk-crop-face", *options, clips.videos, work / "faces")]
    taken, _ = run_timed(command)
    return clips.row(f"{cores} workers, wall clock", taken, seconds(lambda: clips.by_the_original(theirs)))


def _compare(theirs: types.ModuleType, video: Path, work: Path) -> dict:
    clips = Clips(work, video, copies=1)
    options = CropOptions(layout="lawdnet", width=WIDTH, backend=OPENFACE)
    made = work / "clip0.face.h5"
    taken, theirs_taken = in_turn(
        lambda: crop_given(clips.clip, clips.openface, made, options),
        lambda: clips.by_the_original(theirs),
        ROUNDS,
        clock=lambda: sum(os.times()[:4]),
    )
    place = clips.pictures // 2
    with FaceFile(made) as file:
        crop = file.frames.read(place, place + 1)[0]
    other = cv2.imread(str(clips.crops / f"clip0/{place // PIECE:06d}/{place:06d}.jpg"))[..., ::-1]
    difference = float(np.abs(crop.astype(float) - other).mean() / 255)
    return clips.row("one core", taken, theirs_taken) | {"difference_of_crops": difference}


@contextmanager
def _silence() -> Iterator[None]:
    """Nothing that this process or its children say is shown."""
    sys.stdout.flush()
    kept = [os.dup(stream) for stream in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        yield
        sys.stdout.flush()
    finally:
        for stream, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, stream)
            os.close(copy)
        os.close(nowhere)


def _cut(video: Path, clip: Path) -> None:
    """The first seconds at 25 frames/s, as both want it."""
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-i", video, "-t", str(SECONDS)]
    subprocess.run([*command, "-r", "25", "-crf", "18", clip], check=True)


def _write_landmarks(found: Path, path: Path) -> Path:
    """What tk-crop-face saw, in the columns of OpenFace."""
    names = ["frame", "face_id", "timestamp", "confidence", "success"]
    names += [f"{axis}_{number}" for axis in "xy" for number in range(68)]
    with FaceFile(found) as file:
        rows = [
            [number + 1, 0, number / 25, 0.98, 1, *points.T.ravel().round(1)]
            for number, points in enumerate(file.landmarks)
        ]
    np.savetxt(path, rows, fmt="%g", delimiter=", ", header=", ".join(names), comments="")
    return path


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), [Path(video).resolve() for video in sys.argv[2:]])

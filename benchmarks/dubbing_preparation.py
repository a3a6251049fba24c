"""From a video with OpenFace's landmarks to crops to train on: tk-crop-face beside LawDNet's own preparation.

python -m benchmarks.dubbing_preparation LAWDNET VIDEO...
A checkout of iPaw-AI-LAB/LawDNet_2024. Theirs writes every picture, reads it again, crops it and writes the crop, and
takes the sound out: three functions of its data script. Ours does it in one pass. One core, one thread, processor time
with that of child processes, in turn. Features are left out on both sides: theirs want TensorFlow 1 or a checkpoint.
"""

from __future__ import annotations

import importlib
import os
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

from benchmarks.measure import in_turn, one_core, report
from tk_tools.face.crop import OPENFACE, CropOptions, crop_faces, crop_given
from tk_tools.files.face_file import FaceFile

WIDTH = 640  # of the training crops, as published
PIECE = 9  # pictures of a clip folder
SECONDS = 3
ROUNDS = 3


def main(checkout: Path, videos: list[Path]) -> None:
    one_core()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        theirs = _original(checkout, Path(folder))
        rows = [_compare(theirs, video, Path(folder, video.stem)) for video in videos]
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


def _compare(theirs: types.ModuleType, video: Path, work: Path) -> dict:
    folders = {name: work / name for name in ("videos", "landmarks", "frames", "audio", "crops")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    clip = folders["videos"] / "clip.mp4"
    _cut(video, clip)
    crop_faces(clip, work / "found.face.h5", CropOptions(layout="lawdnet"))
    landmarks = _write_landmarks(work / "found.face.h5", folders["landmarks"] / "clip.csv")
    options = CropOptions(layout="lawdnet", width=WIDTH, backend=OPENFACE)

    def ours() -> None:
        crop_given(clip, landmarks, work / "clip.face.h5", options)

    def original() -> None:
        with _silence():
            theirs.extract_video_frame(str(folders["videos"]), str(folders["frames"]))
            theirs.extract_audio(str(folders["videos"]), str(folders["audio"]))
            theirs.crop_face_according_openfaceLM(
                str(folders["landmarks"]), str(folders["frames"]), str(folders["crops"]), PIECE
            )

    seconds, theirs_seconds = in_turn(ours, original, ROUNDS, clock=lambda: sum(os.times()[:4]))
    with FaceFile(work / "clip.face.h5") as file:
        frames, size = len(file), file.source_size
        place = frames // 2
        crop = file.frames.read(place, place + 1)[0]
    other = cv2.imread(str(folders["crops"] / f"clip/{place // PIECE:06d}/{place:06d}.jpg"))[..., ::-1]
    return {
        "what": f"{frames} pictures of {size[0]}x{size[1]} and their sound to crops {WIDTH} wide, landmarks given",
        "frames_per_second": frames / seconds,
        "original_frames_per_second": frames / theirs_seconds,
        "ratio": theirs_seconds / seconds,
        "difference_of_crops": float(np.abs(crop.astype(float) - other).mean() / 255),
    }


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

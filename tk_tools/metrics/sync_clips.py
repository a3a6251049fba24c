"""Lip sync of files: videos, whose face is followed in memory, and NAME.face.h5; and the judges by their weights.

Everything streams: pictures are decoded, cropped and measured in blocks. For the measure itself see lip_sync.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tk_tools.errors import InputError
from tk_tools.face.backends import DEFAULT_BACKEND, DEFAULT_FACE
from tk_tools.files.digest import file_digest
from tk_tools.files.face_file import FACE, FaceFile
from tk_tools.metrics.condition import Condition
from tk_tools.metrics.lip_sync import (
    FRAME_RATE,
    OVERLAP,
    SAMPLE_RATE,
    ExpertScorer,
    SyncNetScorer,
    SyncScorer,
    least_frames,
    measure_clip,
)
from tk_tools.metrics.lse import MAX_SHIFT, SyncResult

MEASURES = ("lse_d", "lse_c", "offset", "frames", "frames_without_face")  # the numbers among measure_file's facts
BLOCK = 64  # frames that are in memory at a time
SILENCE = 1  # the least step of 16 bits: what a coder makes of nothing


@dataclass(frozen=True)
class ClipOptions:
    """How the face of a video is found. whole_frame: the video shows a face alone and is taken as it is (LRS
    procedure).

    backend, face, weights_dir, device: as in face.crop.CropOptions. max_shift: frames to both sides.
    """

    max_shift: int = MAX_SHIFT
    whole_frame: bool = False
    backend: str = DEFAULT_BACKEND
    face: str = DEFAULT_FACE
    weights_dir: Path | None = field(default=None, metadata={"shapes_content": False})
    device: str = field(default="cpu", metadata={"shapes_content": False})


@dataclass(frozen=True)
class Judge:
    """A scorer, its name and the file of its weights."""

    name: str
    weights: Path
    scorer: SyncScorer

    def protocol(self, options: ClipOptions) -> dict[str, Any]:
        """All that the numbers depend on, the way the faces are found apart."""
        return {
            "judge": self.name,
            "weights": file_digest(self.weights),
            "crop": f"{self.scorer.layout} {self.scorer.size}x{self.scorer.size}",
            "fps": FRAME_RATE,
            "max_shift": options.max_shift,
            "face": options.face,
            "beyond_ends": "zeros" if self.scorer.zeros_beyond_ends else "left out",
        }


def find_judge(expert: Path | None, checkpoint: Path | None, weights_dir: Path | None) -> Path:
    """The file of weights of the judge: of the expert (a run or a file), else SyncNet v2's. WeightsError: not there."""
    from tk_tools.train.run_folder import weights_file
    from tk_tools.weights.find import find_weights

    return weights_file(expert) if expert else checkpoint or find_weights("syncnet-v2", weights_dir)


def load_syncnet(path: Path, device: str = "cpu") -> Judge:
    """The published SyncNet v2. WeightsError: no such file, or another network."""
    from tk_tools.metrics.syncnet_v2 import SyncNetV2
    from tk_tools.weights.load import load_state_dict, load_strictly

    network = load_strictly(SyncNetV2(), load_state_dict(path), path=path, what="SyncNet v2")
    return Judge(name="syncnet-v2", weights=path, scorer=SyncNetScorer(network, device=device))


def load_expert(path: Path, device: str = "cpu") -> Judge:
    """A Wav2Lip expert from a run folder of tk-train or any file. WeightsError: no such file, or another network."""
    from tk_tools.nets.sync_expert import load_expert_state
    from tk_tools.train.run_folder import read_weights, weights_file

    file = weights_file(path)
    network = load_expert_state(read_weights(file)[0], path=file)
    return Judge(name="expert", weights=file, scorer=ExpertScorer(network, device=device))


@lru_cache(maxsize=1)
def load_judge(name: str, weights: Path, device: str = "cpu") -> Judge:
    """The judge `name`, expert or syncnet-v2, in a file; that of the clip before serves the next one. WeightsError: as
    load_expert and load_syncnet."""
    return load_expert(weights, device) if name == "expert" else load_syncnet(weights, device)


def measure_for_row(
    path: Path, *, judge: str, weights: Path, options: ClipOptions, condition: Condition | None
) -> dict[str, Any]:
    """The facts of measure_file, its SyncResult as "result", and "kept", whether the condition over MEASURES holds."""
    facts, result = measure_file(path, load_judge(judge, weights, options.device), options)
    kept = {} if condition is None else {"kept": condition({name: facts[name] for name in MEASURES})}
    return facts | kept | {"result": result}


def measure_file(path: Path, judge: Judge, options: ClipOptions = ClipOptions()) -> tuple[dict[str, Any], SyncResult]:
    """LSE-D, LSE-C and offset of one video or NAME.face.h5, as a row of facts and with all distances.

    Facts: frames (that were compared), frames_without_face, offset (frames), lse_d, lse_c, faces (how they
    were found). InputError: no sound, no face, shorter than least_frames, or crops of another layout.
    """
    clip = (
        _FaceFileClip(path, judge.scorer)
        if path.name.endswith(FACE.suffix)
        else _VideoClip(path, judge.scorer, options)
    )
    try:
        if np.abs(clip.samples).max(initial=0) <= SILENCE:
            raise InputError("the sound is silent from start to end")
        least = least_frames(options.max_shift)
        result = measure_clip(judge.scorer, clip, clip.samples, max_shift=options.max_shift, least=least)
    except InputError as error:
        raise error if error.path else InputError(error.message, path=path) from error
    finally:
        clip.close()
    facts = {
        "frames": result.windows + OVERLAP,
        "frames_without_face": clip.missing,
        "offset": result.offset,
        "lse_d": result.lse_d,
        "lse_c": result.lse_c,
        "faces": clip.faces,
    }
    return facts, result


class _FaceFileClip:
    """Blocks of crops and validity out of a NAME.face.h5."""

    def __init__(self, path: Path, scorer: SyncScorer):
        self._file = FaceFile(path)
        self.faces = self._file.backend
        self.missing = 0
        if self._file.layout != scorer.layout:
            raise InputError(
                f"has crops of layout {self._file.layout}, this judge needs {scorer.layout}; "
                f"make them with tk-crop-face --layout {scorer.layout}, or give the video itself",
                path=path,
            )
        if self._file.fps != FRAME_RATE:
            raise InputError(
                f"has {float(self._file.fps):g} frames/s, the judge needs {FRAME_RATE}; "
                f"make it with tk-crop-face --fps {FRAME_RATE}, or give the video itself",
                path=path,
            )
        audio = self._file.audio
        if audio is None:
            raise InputError("has no sound", path=path)
        self.samples = _at_rate(audio.samples, audio.sample_rate)

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, len(self._file), BLOCK):
            stop = min(start + BLOCK, len(self._file))
            valid = self._file.valid[start:stop]
            self.missing += int((~valid).sum())
            yield self._file.frames.read(start, stop), valid

    def close(self) -> None:
        self._file.close()


class _VideoClip:
    """Blocks of crops and validity out of a video whose face is followed, or of its whole pictures."""

    def __init__(self, path: Path, scorer: SyncScorer, options: ClipOptions):
        from tk_tools.files.soundtrack import read_audio_blocks, to_int16
        from tk_tools.files.video import VideoReader

        self._reader = VideoReader(path, fps=Fraction(FRAME_RATE))
        self._scorer, self._options = scorer, options
        self.faces = "whole frame" if options.whole_frame else options.backend
        self.missing = 0
        blocks = read_audio_blocks(path, rate=SAMPLE_RATE, align=True)
        self.samples = np.concatenate([to_int16(block) for block in blocks])

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        crops: list[np.ndarray] = []
        valid: list[bool] = []
        for crop, good in self._crops():
            crops.append(crop)
            valid.append(good)
            if len(crops) == BLOCK:
                yield self._block(crops, valid)
                crops, valid = [], []
        if crops:
            yield self._block(crops, valid)

    def _block(self, crops: list[np.ndarray], valid: list[bool]) -> tuple[np.ndarray, np.ndarray]:
        self.missing += valid.count(False)
        return np.stack(crops), np.array(valid)

    def _crops(self) -> Iterator[tuple[np.ndarray, bool]]:
        if self._options.whole_frame:
            import cv2

            size = (self._scorer.size, self._scorer.size)
            for picture in self._reader:
                yield cv2.resize(picture, dsize=size, interpolation=cv2.INTER_LINEAR), True
            return
        from tk_tools.face.crop import CropOptions, follow_face, open_backend
        from tk_tools.face.layouts import find_layout

        layout = find_layout(self._scorer.layout)
        following = CropOptions(
            layout=layout.name,
            backend=self._options.backend,
            face=self._options.face,
            weights_dir=self._options.weights_dir,
            device=self._options.device,
        )
        self.faces = open_backend(following).label
        for frame in follow_face(self._reader, following, fps=float(FRAME_RATE)):
            height, width = frame.rgb.shape[:2]
            yield layout.crop(frame.rgb, layout.transform(frame.corners, width, height)), frame.valid

    def close(self) -> None:
        """Nothing is left open between two readings."""


def _at_rate(samples: np.ndarray, rate: int) -> np.ndarray:
    """int16 samples at the rate that the judges hear."""
    if rate == SAMPLE_RATE:
        return samples
    from tk_tools.files.resample import resampled
    from tk_tools.files.soundtrack import to_int16

    pieces = resampled([samples / np.float32(32768)], rate_in=rate, rate_out=SAMPLE_RATE)
    return to_int16(np.concatenate(list(pieces)))

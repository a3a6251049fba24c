"""LSE of the face tracks of a video, by the procedure that published values for real videos rest on.

S3FD, shots, tracks and crops are those of syncnet_python (run_pipeline.py); a track is measured like a clip. Three of
its steps, which lose quality, are left out: the pictures do not go through MPEG-4 and JPEG, and the sound not through
MP3, which delays it by 25 to 69 ms, so offsets here are up to two frames higher. The pictures are decoded twice, so
that memory does not grow with the length.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from tk_tools.errors import InputError
from tk_tools.face.syncnet_detector import SyncnetDetector
from tk_tools.files.face_file import FACE
from tk_tools.files.rates import FRAME_RATE
from tk_tools.files.soundtrack import read_audio_blocks, to_int16
from tk_tools.files.video import VideoReader
from tk_tools.metrics.face_tracks import (
    LEAST_DETECTIONS,
    LEAST_SIZE,
    CutFinder,
    FaceTrack,
    audio_cut,
    crop_frame,
    crop_path,
    find_tracks,
)
from tk_tools.metrics.lip_sync import SAMPLE_RATE, least_frames, measure_clip
from tk_tools.metrics.lse import SyncResult
from tk_tools.metrics.sync_clips import BLOCK, ClipOptions, Judge, load_judge

FACES = "S3FD tracks (syncnet_python)"


def tracks_for_rows(path: Path, *, weights: Path, detector: Path, options: ClipOptions) -> list[dict[str, Any]]:
    """measure_tracks by the SyncNet v2 in `weights` and the S3FD in `detector`, a row of facts for each track with its
    SyncResult as "result"."""
    judge = load_judge("syncnet-v2", weights, options.device)
    found = measure_tracks(path, judge, _load_detector(detector, options.device), options)
    return [facts if result is None else facts | {"result": result} for facts, result in found]


@lru_cache(maxsize=1)
def _load_detector(weights: Path, device: str) -> SyncnetDetector:
    return SyncnetDetector(weights, device)


def measure_tracks(
    path: Path, judge: Judge, detector: SyncnetDetector, options: ClipOptions
) -> Iterator[tuple[dict[str, Any], SyncResult | None]]:
    """LSE-D, LSE-C and offset of each face track of a video, as facts and with all distances.

    Facts: track (from 1, in the order of the procedure), first_frame and frames (at 25 frames/s), offset (frames),
    lse_d, lse_c, faces; an error instead for a track that is too short for options.max_shift. InputError: no video or
    no sound, or no track long and large enough.
    """
    if path.name.endswith(FACE.suffix):
        raise InputError("holds crops; the published procedure finds the faces itself: give the video", path=path)
    reader = VideoReader(path, fps=Fraction(FRAME_RATE))
    blocks = read_audio_blocks(path, rate=SAMPLE_RATE, align=True)
    samples = np.concatenate([to_int16(block) for block in blocks])
    tracks = find_video_tracks(reader, detector)
    if not tracks:
        raise InputError(
            f"has no face track of more than {LEAST_DETECTIONS} frames and {LEAST_SIZE} px, the least that the "
            "published procedure takes; measure it without --published-tracks",
            path=path,
        )
    for number, track in enumerate(tracks, start=1):
        start, stop = (int(second * SAMPLE_RATE) for second in audio_cut(track.frames))
        facts: dict[str, Any] = {"track": number, "first_frame": int(track.frames[0]), "frames": len(track.frames)}
        try:
            result = measure_clip(
                judge.scorer,
                _crops(reader, track),
                samples[start:stop],
                max_shift=options.max_shift,
                least=least_frames(options.max_shift),
            )
        except InputError as error:
            yield facts | {"error": f"track {number} of {len(tracks)}: {error.message}"}, None
            continue
        facts |= {"offset": result.offset, "lse_d": result.lse_d, "lse_c": result.lse_c, "faces": FACES}
        yield facts, result


def find_video_tracks(reader: VideoReader, detector: SyncnetDetector) -> list[FaceTrack]:
    """The tracks of all shots of a video, shot after shot. Shots of fewer than 100 frames hold none."""
    tracks: list[FaceTrack] = []
    shot: list[list[tuple[int, np.ndarray]]] = []
    cuts = CutFinder()
    for number, (picture, faces) in enumerate(detector.faces_of_all(reader)):
        if cuts.is_cut(picture):
            tracks += find_tracks(shot)
            shot = []
        shot.append([(number, face[:4]) for face in faces])
    return tracks + find_tracks(shot)


def _crops(reader: VideoReader, track: FaceTrack) -> Iterator[np.ndarray]:
    """Blocks of the crops of a track, (n, 224, 224, 3) uint8 RGB."""
    path = crop_path(track.boxes)
    block: list[np.ndarray] = []
    first, end = int(track.frames[0]), int(track.frames[-1]) + 1
    if end < reader.count:
        pictures = reader.between(first, end)
    else:  # how long the last picture stays is known to a reading from the start alone
        pictures = islice(VideoReader(reader.path, fps=reader.fps), first, None)
    for picture, *place in zip(pictures, path.half, path.x, path.y, strict=False):
        block.append(crop_frame(picture, *place))
        if len(block) == BLOCK:
            yield np.stack(block)
            block = []
    if block:
        yield np.stack(block)

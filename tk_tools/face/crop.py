"""The work of tk-crop-face: one face of a clip, followed and cropped in a stream, into a NAME.face.h5."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tk_tools.errors import InputError
from tk_tools.face.backends import DEFAULT_BACKEND, DEFAULT_FACE, Backend, BackendOptions, make_backend
from tk_tools.face.given import GivenBoxes, GivenLandmarks, read_boxes
from tk_tools.face.layouts import find_layout
from tk_tools.face.openface import OpenFaceLandmarks, read_openface
from tk_tools.face.smooth import GAP_SECONDS, SMOOTHING_SECONDS, FaceFrame, FaceStream
from tk_tools.face.track import Tracker
from tk_tools.files.coded import DEFAULT_CODEC, DEFAULT_QUALITY
from tk_tools.files.face_file import create_face_file
from tk_tools.files.frames_file import FRAMES, FramesFile
from tk_tools.files.provenance import describe
from tk_tools.files.rates import DEFAULT_FPS, FRAME_RATE
from tk_tools.files.video import VideoReader

OPENFACE = "openface"  # stands for a backend where its landmarks are given
_ELSEWHERE = {"shapes_content": False}  # where or how fast, and not what


@dataclass(frozen=True)
class CropOptions:
    """How a face is found, followed and cropped.

    layout: one of face.layouts.LAYOUTS; width: of its crop in pixels, None for the layout's own.
    backend: one of face.backends.BACKENDS; detector: of face-alignment alone.
    face: largest, left, right, or a number from the left. fps: pictures per second (a frames file keeps its own).
    smoothing: standard deviation of the window over the box, seconds; 0 for none. gap: longest stretch without the face
    that is interpolated, seconds. pads: top, bottom, left, right, source pixels added to the box (wav2lip layout).
    boxes: folder with NAME.npy of each clip, for the detector `folder`; see face/given.py.
    """

    layout: str = "wav2lip"
    width: int | None = None
    backend: str = DEFAULT_BACKEND
    detector: str = "sfd"
    face: str = DEFAULT_FACE
    fps: Fraction = DEFAULT_FPS
    smoothing: float = SMOOTHING_SECONDS
    gap: float = GAP_SECONDS
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    codec: str = DEFAULT_CODEC
    quality: int = DEFAULT_QUALITY
    sample_rate: int = 16000
    boxes: Path | None = None
    weights_dir: Path | None = field(default=None, metadata=_ELSEWHERE)
    device: str = field(default="cpu", metadata=_ELSEWHERE)


@lru_cache(maxsize=1)
def _backend(name: str, options: BackendOptions) -> Backend:
    """The backend of the file before serves the next one: its models take a second to open."""
    return make_backend(name, options)


def open_backend(options: CropOptions) -> Backend:
    """The backend that the options name; see make_backend for the errors."""
    chosen = BackendOptions(detector=options.detector, weights_dir=options.weights_dir, device=options.device)
    return _backend(options.backend, chosen)


def check_backend(options: CropOptions) -> None:
    """Open the backend before the first clip if a package or weights may be missing; see make_backend for the errors.

    What dlib needs comes with this package's own requirements, and takes seconds to open.
    """
    if options.backend != DEFAULT_BACKEND:
        open_backend(options)


def follow_face(
    pictures: Iterable[np.ndarray],
    options: CropOptions = CropOptions(),
    *,
    fps: float = FRAME_RATE,
    tracker: Tracker | GivenBoxes | GivenLandmarks | None = None,
) -> FaceStream:
    """FaceFrames of pictures ((H, W, 3) uint8 RGB): one for each, in order, a second behind at most."""
    if tracker is None:
        tracker = Tracker(open_backend(options), options.face, fps)
    layout = find_layout(options.layout, options.width)
    return FaceStream(pictures, tracker, layout, fps=fps, smoothing=options.smoothing, gap=options.gap)


def find_face(picture: np.ndarray, options: CropOptions = CropOptions()) -> FaceFrame | None:
    """The face of one still picture (H, W, 3) uint8 RGB, or None."""
    frame = next(iter(follow_face([picture], options)))
    return frame if frame.valid else None


def crop_faces(source: Path, target: Path, options: CropOptions) -> dict[str, Any]:
    """Follow one face through a video, a still picture or a NAME.frames.h5 and write its crops to a NAME.face.h5.

    Facts: frames, fps, seconds, frames_without_face, without_face (list of [start, end] in seconds), faces_seen (the
    most in one picture, of those that were searched as a whole), layout, backend, sound, and a "warning" when the face
    is missing in places or one of several was followed unasked. InputError: no face at all, or the source cannot be
    read.
    """
    return _crop(Path(source), None, target, options)


def crop_given(source: Path, landmarks: Path, target: Path, options: CropOptions) -> dict[str, Any]:
    """crop_faces, with the landmarks of OpenFace's CSV file instead of finding them; options.backend is OPENFACE.

    The facts' warning tells when the file speaks of another number of pictures than the video has, or of several faces.
    """
    return _crop(Path(source), Path(landmarks), target, options)


def _crop(source: Path, landmarks: Path | None, target: Path, options: CropOptions) -> dict[str, Any]:
    backend = None if landmarks is not None else open_backend(options)
    given = None if landmarks is None else read_openface(landmarks)
    layout = find_layout(options.layout, options.width)
    with ExitStack() as stack:
        if source.name.endswith(FRAMES.suffix):
            reader = stack.enter_context(FramesFile(source))
            pictures, fps, audio, sound = reader.frames, reader.frames.fps, reader.audio, None
            width, height, damaged = reader.frames.width, reader.frames.height, lambda: 0
            source_fps, stored = fps, lambda: len(reader.frames)
        else:
            reader = VideoReader(source, fps=options.fps)
            pictures, fps, audio, sound = reader, reader.fps, None, source if reader.info.has_audio else None
            width, height, damaged = reader.info.width, reader.info.height, lambda: reader.damaged
            source_fps, stored = reader.info.fps or fps, lambda: reader.stored
        if given is not None:
            tracker = GivenLandmarks(given.on_clock(fps, source_fps))
        elif options.backend == "face-alignment" and options.detector == "folder":
            tracker = GivenBoxes(backend, read_boxes(options.boxes, source))
        else:
            tracker = Tracker(backend, options.face, float(fps))
        writer = stack.enter_context(
            create_face_file(
                target,
                fps=fps,
                layout=layout.name,
                backend=OPENFACE if backend is None else backend.label,
                source_size=(width, height),
                made=describe(options, source, *([] if landmarks is None else [landmarks])),
                sound=sound,
                audio=audio,
                sample_rate=options.sample_rate,
                codec=options.codec,
                quality=options.quality,
            )
        )
        for frame in follow_face(pictures, options, fps=float(fps), tracker=tracker):
            transform = layout.transform(frame.corners, width, height, options.pads)
            writer.append(
                layout.crop(frame.rgb, transform),
                box=frame.box,
                landmarks=frame.landmarks,
                score=frame.score,
                transform=transform,
                valid=frame.valid,
            )
        valid = writer.columns["valid"].array()
        if not valid.any():
            raise InputError(_no_face(tracker, len(valid), options), path=landmarks or source)
    has_sound = audio is not None or sound is not None
    facts = _facts(valid, fps, damaged(), tracker.most_faces, options.face, has_sound)
    if given is not None:
        told = _of_landmarks(given, landmarks, stored())
        facts |= {"warning": "; ".join(filter(None, (*told, facts.get("warning"))))} if told else {}
    label = OPENFACE if backend is None else backend.label
    return facts | {"layout": layout.name, "backend": label, "sound": has_sound}


def _of_landmarks(given: OpenFaceLandmarks, path: Path, pictures: int) -> list[str]:
    """What is to be told of given landmarks and a video of so many pictures."""
    told = []
    if given.pictures != pictures:
        told.append(f"{path} ends with picture {given.pictures}, the video with {pictures}: is it of this video?")
    if given.faces > 1:
        told.append(f"{path} has rows of {given.faces} faces; the one in most rows is followed")
    return told


def _no_face(tracker: Tracker | GivenBoxes | GivenLandmarks, frames: int, options: CropOptions) -> str:
    if isinstance(tracker, GivenLandmarks):
        return f"has landmarks for none of the {frames} frames of the video"
    if options.face.isdecimal() and tracker.most_faces:
        return f"there is no face number {options.face}; at most {tracker.most_faces} were seen in one picture"
    other = "face-alignment" if options.backend == "dlib" else "dlib"
    return f"no face in any of {frames} frames; is it very small or turned away? --backend {other} may see it"


def _facts(valid: np.ndarray, fps: Fraction, damaged: int, faces_seen: int, face: str, sound: bool) -> dict[str, Any]:
    missing = int((~valid).sum())
    facts: dict[str, Any] = {
        "frames": len(valid),
        "fps": float(fps),
        "seconds": round(float(len(valid) / fps), 3),
        "frames_without_face": missing,
        "without_face": [[round(float(edge / fps), 3) for edge in stretch] for stretch in stretches(~valid)],
        "faces_seen": faces_seen,
    }
    warnings = []
    if missing:
        where = ", ".join(f"{start:g}-{end:g} s" for start, end in facts["without_face"][:3])
        more = ", ..." if len(facts["without_face"]) > 3 else ""
        warnings.append(f"no face in {missing} of {len(valid)} frames ({where}{more})")
    if faces_seen > 1 and face == DEFAULT_FACE:
        warnings.append(f"{faces_seen} faces in one picture; the {face} is followed (--face says which)")
    if damaged:
        warnings.append(f"{damaged} damaged packets; the picture before stands in their place")
    if not sound and len(valid) > 1:
        warnings.append("no sound: enough for tk-infer, not for training")
    if warnings:
        facts["warning"] = "; ".join(warnings)
    return facts


def stretches(mask: np.ndarray) -> list[tuple[int, int]]:
    """Runs of true values in (n,) bool: first, and one past the last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(mask, np.int8), [0]])))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]

"""Writes what a face was made to say: pictures as they come, the sound laid beside them once, and the facts of it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from tk_tools.dubbing.footage import Footage
from tk_tools.errors import OutputError
from tk_tools.face.backends import DEFAULT_FACE
from tk_tools.face.crop import stretches
from tk_tools.files.atomic import atomic_path
from tk_tools.files.ffmpeg import VideoWriter
from tk_tools.files.media import picture_start, probe, stream_seconds
from tk_tools.files.provenance import Provenance


def write_film(
    target: Path,
    pictures: Generator[np.ndarray],
    footage: Footage,
    *,
    speech: Path,
    stop: bool,
    quality: int,
    made: Provenance,
    mark: bool,
) -> int:
    """Write `target` (.mp4) whole or not at all and give the number of pictures; `pictures` is closed.

    pictures: (H, W, 3) uint8 of the footage's size. speech: the file whose sound goes beside them; of a video, from its
    first picture on. stop: the sound ends with the footage. made: what the metadata say, with `mark` that it is
    synthetic. InputError: no picture had a face. OutputError: it cannot be written.
    """
    with atomic_path(target, check=lambda path: _check(path, writer.count, target)) as temporary:
        writer = VideoWriter(
            temporary,
            width=footage.width,
            height=footage.height,
            fps=footage.fps,
            audio=speech,
            audio_start=_skipped(speech),
            audio_seconds=float(stream_seconds(footage.path, "video")) if stop and not footage.still else None,
            metadata={"comment": made.comment(synthetic=True) if mark else made.comment()},
            quality=quality,
        )
        try:
            with writer, closing(pictures):
                for picture in pictures:
                    writer.write(picture)
                if not footage.has_face(writer.count).any():
                    raise footage.no_face(writer.count)
        except OutputError as error:
            raise OutputError(error.message, path=target) from error
    return writer.count


def follows_pictures(speech: Path) -> bool:
    """Whether the sound is a video's, whose clock starts with its first picture."""
    info = probe(speech)
    return info.has_video and not info.is_still


def _skipped(speech: Path) -> float:
    """Seconds of a video's sound before its first picture, in the time of its container."""
    start = picture_start(speech) if follows_pictures(speech) else None
    if start is None:
        return 0
    info = probe(speech)
    return max(0.0, float(start) - min(info.start, info.audio_start))


def _check(path: Path, pictures: int, target: Path) -> None:
    info = probe(path)
    if info.frame_count != pictures:
        raise OutputError(f"was not written whole: {info.frame_count} of {pictures} pictures", path=target)


def facts_of(footage: Footage, pictures: int, face: str) -> dict[str, Any]:
    """frames, fps, seconds, frames_without_face, without_face (list of [start, end] in seconds of the source), and a
    "warning" when some have no face, or one of several was taken unasked (face: which was asked for)."""
    seen = footage.has_face(pictures)
    without = int((~seen).sum())
    missing = [tuple(float(edge / footage.fps) for edge in stretch) for stretch in stretches(~seen)]
    facts: dict[str, Any] = {
        "frames": pictures,
        "fps": float(footage.fps),
        "seconds": round(float(pictures / footage.fps), 3),
        "frames_without_face": without,
        "without_face": [[round(start, 3), round(end, 3)] for start, end in missing],
    }
    warnings = []
    if without:
        where = ", ".join(f"{start:.2f}-{end:.2f} s" for start, end in missing[:3])
        more = ", ..." if len(missing) > 3 else ""
        warnings.append(f"no face in {without} of {len(seen)} pictures ({where}{more}); they pass through unchanged")
    if footage.most_faces > 1 and face == DEFAULT_FACE:
        warnings.append(f"{footage.most_faces} faces; the largest speaks (--face says which)")
    if warnings:
        facts["warning"] = "; ".join(warnings)
    return facts

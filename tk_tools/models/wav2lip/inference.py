"""The work of `tk-infer wav2lip`: one face speaks one sound, into an mp4, in a stream.

Decoding, looking for the face, drawing and encoding overlap, each in its own thread; memory does not grow with the
length. Source of the steps: main of inference.py, Rudrabha/Wav2Lip; what differs by default is told in command.HELP.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from tk_tools.errors import OutputError
from tk_tools.face.backends import DEFAULT_FACE
from tk_tools.face.crop import open_backend, stretches
from tk_tools.files.atomic import atomic_path
from tk_tools.files.digest import stamp
from tk_tools.files.face_file import FaceFile
from tk_tools.files.ffmpeg import VideoWriter
from tk_tools.files.media import picture_start, probe
from tk_tools.files.provenance import describe
from tk_tools.files.rates import DEFAULT_FPS
from tk_tools.files.soundtrack import read_audio_blocks
from tk_tools.files.video import picture_seconds
from tk_tools.jobs.ahead import ahead
from tk_tools.models.wav2lip.footage import Footage, pictures_ahead, search_options
from tk_tools.models.wav2lip.options import FACE_FILE, InferOptions
from tk_tools.models.wav2lip.published import load_generator_and_origin
from tk_tools.models.wav2lip.speaker import Speaker, paste_face, speak
from tk_tools.models.wav2lip.windows import Speech
from tk_tools.nets.device import choose_device

PUBLISHED_PADS = (0, 10, 0, 0)  # top, bottom, left, right: the published code's
PADS_OF_OURS = (0, 0, 0, 0)  # tk-crop-face's crops have none
TRAINED_LEAD = 1 / DEFAULT_FPS  # s: in training a picture hears the sound from the one before it on
BATCH_BYTES = 96 << 20  # of pictures that wait for one batch


def infer(
    face: Path, checkpoint: Path, speech: Path, places: Path, target: Path, options: InferOptions
) -> dict[str, Any]:
    """Write `target` (.mp4): the face of a video or picture speaks.

    checkpoint: a generator's file. speech: any sound; `face` itself for its own. places: a NAME.face.h5 of the video,
    or `face` itself, to look for the face. Facts: frames, fps, seconds, frames_without_face, without_face (list of
    [start, end] in seconds of the source), and a "warning" when something is missing.
    InputError, WeightsError, OutputError: see Footage, Speech, load_generator, VideoWriter.
    """
    made = describe(options, face, checkpoint, speech, places)
    speaker, ours = _speaker(*stamp(checkpoint), choose_device(options.device), options.precision, options.batch_size)
    pads = options.pads or (PADS_OF_OURS if ours else PUBLISHED_PADS)
    footage = Footage(face, places, replace(options, pads=pads), by_area=ours)
    if speech == face and face.name.endswith(FACE_FILE):
        speech = footage.path
    sound = Speech(speech, footage.fps, lead=TRAINED_LEAD if ours else Fraction(0))
    with atomic_path(target, check=lambda path: _check(path, writer.count, target)) as temporary:
        writer = VideoWriter(
            temporary,
            width=footage.width,
            height=footage.height,
            fps=footage.fps,
            audio=speech,
            audio_start=_skipped(speech) if sound.aligned else 0,
            audio_seconds=_stop(footage) if options.on_short_video == "stop" else None,
            metadata={"comment": made.comment(synthetic=True) if options.mark else made.comment()},
            quality=options.quality,
        )
        try:
            with writer, closing(_pictures(footage, sound, speaker, options.feather)) as pictures:
                for picture in pictures:
                    writer.write(picture)
                if not footage.has_face(writer.count).any():
                    raise footage.no_face()
        except OutputError as error:
            raise OutputError(error.message, path=target) from error
    return _facts(footage, writer.count, options)


def check_shared(checkpoint: Path, speech: Path | None, places: Path | None, options: InferOptions) -> None:
    """Open what many faces have in common, so that its fault is told once: errors as infer's.

    speech: None when each speaks its own video's sound. places: a NAME.face.h5 or a folder of them, None to look for
    the faces. ConfigError: the device is not there.
    """
    _speaker(*stamp(checkpoint), choose_device(options.device), options.precision, options.batch_size)
    if speech is not None:
        for _ in read_audio_blocks(speech):
            pass  # to its end: a fault may stand there
    if places is not None:
        if not places.is_dir():
            FaceFile(places).close()
    elif options.box is None:
        open_backend(search_options(options))


def _pictures(footage: Footage, sound: Speech, speaker: Speaker, feather: float) -> Iterator:
    room = pictures_ahead(footage.width, footage.height)
    together = max(1, min(speaker.together, BATCH_BYTES // (3 * footage.width * footage.height)))
    with closing(ahead(footage, room)) as shots, closing(ahead(speak(shots, sound, speaker, together), room)) as made:
        for shot, face in made:
            yield shot.picture if face is None else paste_face(shot.picture, face, shot.box, feather)


@lru_cache(maxsize=1)
def _speaker(
    checkpoint: Path, changed: int, device: str, precision: str, batch_size: int | None
) -> tuple[Speaker, bool]:
    """The generator, and whether it is ours; that of the file before serves the next one: it takes a second to open."""
    generator, ours = load_generator_and_origin(checkpoint)
    return Speaker(generator, device=device, precision=precision, batch_size=batch_size), ours


def _skipped(video: Path) -> float:
    """Seconds of a video's sound before its first picture, in the time of its container."""
    start = picture_start(video)
    info = probe(video)
    if start is None:
        return 0
    begin = min(info.start, info.audio_start)
    return max(0.0, float(start) - begin)


def _stop(footage: Footage) -> float | None:
    """Where the sound has to end with a video that stops."""
    return None if footage.still else float(picture_seconds(footage.path))


def _check(path: Path, pictures: int, target: Path) -> None:
    info = probe(path)
    if info.frame_count != pictures:
        raise OutputError(f"was not written whole: {info.frame_count} of {pictures} pictures", path=target)


def _facts(footage: Footage, pictures: int, options: InferOptions) -> dict[str, Any]:
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
    if footage.most_faces > 1 and options.face == DEFAULT_FACE:
        warnings.append(f"{footage.most_faces} faces; the largest speaks (--face says which)")
    if warnings:
        facts["warning"] = "; ".join(warnings)
    return facts

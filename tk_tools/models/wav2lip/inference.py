"""The work of `tk-infer wav2lip`: one face speaks one sound, into an mp4, in a stream.

Decoding, looking for the face, drawing and encoding overlap, each in its own thread; memory does not grow with the
length. Source of the steps: main of inference.py, Rudrabha/Wav2Lip; what differs by default is told in command.HELP.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from fractions import Fraction
from functools import lru_cache, partial
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from tk_tools.dubbing.film import facts_of, write_film
from tk_tools.dubbing.footage import Footage, Framing, pictures_ahead, search_of
from tk_tools.dubbing.speaking import speak
from tk_tools.errors import InputError
from tk_tools.face.crop import open_backend
from tk_tools.files.digest import stamp
from tk_tools.files.face_file import FACE, FaceFile
from tk_tools.files.provenance import describe
from tk_tools.files.rates import DEFAULT_FPS
from tk_tools.files.soundtrack import read_audio_blocks
from tk_tools.jobs.ahead import ahead
from tk_tools.models.wav2lip.options import InferOptions
from tk_tools.models.wav2lip.published import load_generator_and_origin
from tk_tools.models.wav2lip.speaker import Box, Shot, Speaker, paste_face, take_shot
from tk_tools.models.wav2lip.windows import Speech
from tk_tools.nets.device import choose_device

LAYOUT = "wav2lip"
LEAST_SIDE = 8  # pixels: a smaller box is no face
PUBLISHED_PADS = (0, 10, 0, 0)  # top, bottom, left, right: the published code's
PADS_OF_OURS = (0, 0, 0, 0)  # tk-crop-face's crops have none
TRAINED_LEAD = 1 / DEFAULT_FPS  # s: in training a picture hears the sound from the one before it on
BATCH_BYTES = 96 << 20  # of pictures that wait for one batch


def infer(
    face: Path, checkpoint: Path, speech: Path, places: Path, target: Path, options: InferOptions
) -> dict[str, Any]:
    """Write `target` (.mp4): the face of a video or picture speaks.

    checkpoint: a generator's file. speech: any sound; `face` itself for its own. places: a NAME.face.h5 of the video,
    or `face` itself, to look for the face. Facts: see facts_of.
    InputError, WeightsError, OutputError: see Footage, Speech, load_generator, VideoWriter.
    """
    made = describe(options, face, checkpoint, speech, places)
    speaker, ours = _speaker(*stamp(checkpoint), choose_device(options.device), options.precision, options.batch_size)
    footage = Footage(
        face,
        places,
        framing=_framing(options.pads or (PADS_OF_OURS if ours else PUBLISHED_PADS), by_area=ours),
        search=search_of(options, LAYOUT),
        on_short_video=options.on_short_video,
        still_fps=options.fps,
        everywhere=None if options.box is None else partial(_checked_box, options.box, face),
    )
    if speech == face and face.name.endswith(FACE.suffix):
        speech = footage.path
    sound = Speech(speech, footage.fps, lead=TRAINED_LEAD if ours else Fraction(0))
    count = write_film(
        target,
        _pictures(footage, sound, speaker, options.feather),
        footage,
        speech=speech,
        stop=options.on_short_video == "stop",
        quality=options.quality,
        made=made,
        mark=options.mark,
    )
    return facts_of(footage, count, options.face)


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
        open_backend(search_of(options, LAYOUT))


def _pictures(footage: Footage, sound: Speech, speaker: Speaker, feather: float) -> Generator:
    room = pictures_ahead(footage.width, footage.height)
    together = max(1, min(speaker.together, BATCH_BYTES // (3 * footage.width * footage.height)))
    with (
        closing(ahead(footage, room)) as shots,
        closing(ahead(speak(shots, sound, speaker.draw, together), room)) as made,
    ):
        for shot, face in made:
            yield shot.picture if face is None else paste_face(shot.picture, face, shot.box, feather)


@lru_cache(maxsize=1)
def _speaker(
    checkpoint: Path, changed: int, device: str, precision: str, batch_size: int | None
) -> tuple[Speaker, bool]:
    """The generator, and whether it is ours; that of the file before serves the next one: it takes a second to open."""
    generator, ours = load_generator_and_origin(checkpoint)
    return Speaker(generator, device=device, precision=precision, batch_size=batch_size), ours


def _framing(pads: tuple[int, int, int, int], by_area: bool) -> Framing[Shot]:
    """The place of a face is its box, with the pads (top, bottom, left, right), in whole pixels inside the picture."""
    return Framing(
        numbers=4,
        found=attrgetter("box"),
        stored=attrgetter("box"),
        fitted=partial(_padded, pads),
        shot=partial(_shot, by_area),
        takes_box=True,
    )


def _padded(pads: tuple[int, int, int, int], box: np.ndarray, width: int, height: int) -> np.ndarray | None:
    top, bottom, left, right = pads
    return _inside(np.rint(box + np.array([-left, -top, right, bottom])), width, height)


def _inside(box: np.ndarray, width: int, height: int) -> np.ndarray | None:
    """A box (4,) cut to the picture; None when nothing is left of it."""
    box = np.clip(box, 0, (width, height, width, height))
    return box if min(box[2:] - box[:2]) >= LEAST_SIDE else None


def _checked_box(box: Box, face: Path, width: int, height: int) -> np.ndarray:
    inside = _inside(np.array(box, float), width, height)
    if inside is None:
        raise InputError(f"--box leaves less than {LEAST_SIDE} pixels of its {width}x{height} pictures", path=face)
    return inside


def _shot(by_area: bool, picture: np.ndarray, box: np.ndarray | None) -> Shot:
    return take_shot(picture, None if box is None else tuple(map(int, box)), by_area)

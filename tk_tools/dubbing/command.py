"""What `tk-infer` offers for systems that dub a face: options and operands in common. Imports nothing heavy."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from tk_tools.audio.feature_choices import FEATURE_MODELS
from tk_tools.dubbing.options import DubOptions
from tk_tools.errors import ConfigError
from tk_tools.files.find import AUDIO_SUFFIXES, PICTURE_SUFFIXES, VIDEO_SUFFIXES
from tk_tools.files.rates import DEFAULT_FPS, parse_rate

FACE_FILE, FEATURE_FILE = ".face.h5", ".feat.h5"
READS = (*VIDEO_SUFFIXES, *PICTURE_SUFFIXES, FACE_FILE)
UPLOADS: tuple[dict[str, Any], ...] = (
    {
        "field": "face",
        "title": "Face",
        "reads": (*VIDEO_SUFFIXES, *PICTURE_SUFFIXES),
        "holds": "pictures",
        "template": True,
    },
    {
        "field": "speech",
        "title": "Speech",
        "reads": (*AUDIO_SUFFIXES, *VIDEO_SUFFIXES),
        "holds": "sound",
        "sets_length": True,
    },
)
"""The fields of models.Upload for what a client of tk-serve sends to have a face dubbed."""


def _check_rate(ctx, param, value: str) -> Fraction:
    try:
        return parse_rate(value)
    except ConfigError as error:
        raise click.BadParameter(str(error)) from error


def _check_numbers(ctx, param, value: str | None) -> tuple[int, ...] | None:
    if value is None:
        return None
    parts = value.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise click.BadParameter("say numbers of pictures, from 0, with commas between: 0,40,81,120,200")
    return tuple(map(int, parts))


def _check_mouth(ctx, param, value: int | None) -> int | None:
    if value is not None and value % 32:
        raise click.BadParameter("a multiple of 32 is needed: 64, 128, 256, 288, ...")
    return value


checkpoint = click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    required=True,
    help="The generator: a run folder of tk-train, one of its files, a published file as downloaded, or its name"
    " in `tk-weights list`.",
)
audio = click.option(
    "--audio",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The speech for all faces; any sound or video.",
    show_default="each video's own sound",
)
faces = click.option(
    "--faces",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Faces found before: the NAME.face.h5 of the video, or the folder in which each NAME has its own.",
)
still_fps = click.option(
    "--fps",
    default=str(DEFAULT_FPS),
    callback=_check_rate,
    metavar="RATE",
    help="Pictures per second made of a still picture.",
)
precision = click.option(
    "--precision",
    type=click.Choice(["fp32", "bf16"]),
    default="fp32",
    help="Arithmetic of the generator; bf16 is faster where the device has it.",
)
quality = click.option(
    "--quality", type=click.IntRange(0, 51), default=18, help="x264's rate factor: 0 without loss, 51 the worst."
)


def on_short_video(default: str) -> Callable:
    """--on-short-video with a system's own default."""
    return click.option(
        "--on-short-video",
        type=click.Choice(["loop", "bounce", "stop"]),
        default=default,
        help="When the speech is longer: begin again, run back and forth, or end with the video.",
    )


def batch_size(default: str) -> Callable:
    """--batch-size; default: in words."""
    return click.option(
        "--batch-size",
        type=click.IntRange(1, 1024),
        metavar="N",
        help="Faces drawn at a time; fewer when so many pictures would take more than 100 MB.",
        show_default=default,
    )


def dub_options(mouth_size: int, features: str) -> tuple[Callable, ...]:
    """The options of a system whose published checkpoint paints mouths of so many pixels and hears such features."""
    return (
        checkpoint,
        audio,
        faces,
        click.option(
            "--mouth-size",
            type=click.IntRange(32, 1024),
            callback=_check_mouth,
            metavar="PIXELS",
            help="Side of the painted mouth; the crop around it is 5/4 as wide.",
            show_default=f"what the checkpoint was trained for; {mouth_size} where it does not say",
        ),
        click.option(
            "--references",
            callback=_check_numbers,
            metavar="N,N,N,N,N",
            help="Numbers (from 0) of the pictures that show the network the mouth, instead of drawing them.",
        ),
        click.option("--seed", type=click.IntRange(min=0), default=0, help="Of the references drawn."),
        click.option(
            "--features",
            type=click.Path(path_type=Path),
            metavar="PATH",
            help="What tk-feat heard of the speech: its NAME.feat.h5, or the folder in which each NAME has its own.",
        ),
        click.option(
            "--feature-model",
            type=click.Choice(list(FEATURE_MODELS)),
            help="What listens to the speech (tk-feat --model).",
            show_default=f"what the checkpoint was trained with; {features} where it does not say",
        ),
        click.option(
            "--feature-weights",
            metavar="PATH|NAME",
            help="Weights of that model, as tk-feat --checkpoint takes them.",
            show_default="the published ones",
        ),
        click.option(
            "--feather",
            type=click.FloatRange(0, 0.5),
            default=0.08,
            help="Blended edge around what was painted as a share of the crop's width; 0: a hard edge.",
        ),
        on_short_video("bounce"),
        still_fps,
        precision,
        batch_size("4 on a CPU, 16 on a GPU"),
        quality,
    )


def take_speech(operands: tuple[Path, ...], audio: Path | None) -> tuple[tuple[Path, ...], Path | None, str | None]:
    """FACE SPEECH OUTPUT as (FACE, OUTPUT) and the speech, and a line for people where there is none."""
    if audio is None and _is_speech(operands):
        face, audio, output = operands
        operands = (face, output)
    notice = None if audio is not None else "no speech is given: each face speaks its own video's sound"
    return operands, audio, notice


def _is_speech(operands: tuple[Path, ...]) -> bool:
    """FACE SPEECH OUTPUT: the second of three is a sound, or the last is one .mp4 to be made."""
    if len(operands) != 3 or Path("-") in operands or operands[0].is_dir() or operands[1].is_dir():
        return False
    _, speech, output = operands
    return speech.name.lower().endswith(AUDIO_SUFFIXES) or (output.name.endswith(".mp4") and not output.is_dir())


def places_of(face: Path, faces: Path | None) -> Path:
    """The NAME.face.h5 that says where the face is, or the video itself, to be searched."""
    return face if faces is None else _named(faces, face, READS, FACE_FILE)


def _named(place: Path, path: Path, suffixes: tuple[str, ...], suffix: str) -> Path:
    """A file, or the one of that name in a folder."""
    if not place.is_dir():
        return place
    from tk_tools.files.find import stem_of

    return place / f"{stem_of(path, suffixes)}{suffix}"


def request(values: dict[str, Any], operands: tuple[Path, ...], inference: str) -> dict[str, Any]:
    """The fields of a models.Request for what a command line asks for; inference: the system's module, with SYSTEM.

    UsageError: features are given twice.
    """
    checkpoint, audio, faces = values.pop("checkpoint"), values.pop("audio"), values.pop("faces")
    features, feature_weights = values.pop("features"), values.pop("feature_weights")
    if features is not None and feature_weights is not None:
        raise click.UsageError("--features are made already; --feature-weights would make them. Give one of them.")
    operands, audio, notice = take_speech(operands, audio)
    options = DubOptions(**values)

    def weights() -> Path:
        from tk_tools.train.run_folder import weights_file

        return weights_file(checkpoint, options.weights_dir)

    def listening() -> tuple[Path, ...]:
        from tk_tools.dubbing.dub import heard_files

        return heard_files(importlib.import_module(inference).SYSTEM, weights(), feature_weights, options)

    def also(face: Path) -> tuple[Path, ...]:
        """The checkpoint, the sound, the place of the face and what hears the sound, as dub takes them."""
        speech = audio or face
        heard = listening() if features is None else (_named(features, speech, _HEARD_OF, FEATURE_FILE),)
        return weights(), speech, places_of(face, faces), *heard

    def check() -> str | None:
        from tk_tools.dubbing.dub import check_shared

        system = importlib.import_module(inference).SYSTEM
        return check_shared(system, weights(), audio, faces, listening() if features is None else None, options)

    return {"operands": operands, "options": options, "also": also, "check": check, "notice": notice}


_HEARD_OF = (*AUDIO_SUFFIXES, *READS)

INFERENCE: dict[str, Any] = {
    "metavar": "FACE [SPEECH] OUTPUT",
    "reads": READS,
    "shared": ("face", "backend", "infer_device", "mark"),
    "suffix": ".mp4",
}
"""Fields of models.Inference that are alike in all of them; SERVICE: of its models.Service."""
SERVICE: dict[str, Any] = {
    "choices": ("on_short_video", "feather", "quality", "seed"),
    "not_served": ("audio", "faces", "features"),
}


def help_of(name: str, title: str, published: str) -> str:
    """The help of a system's command: its name there, its name for people, and the file of its published weights."""
    run = f"runs/{name}/clip256"
    return f"""Make a face speak any speech, finely ({title}).

FACE: a video, a still picture, or a NAME.face.h5 of tk-crop-face with its video beside it. SPEECH: any sound, or a
video with sound. OUTPUT: one .mp4, with the pictures' size and frame rate and the whole speech.

Many faces: name files or folders, or pipe paths in ('-'), with --audio for the speech and a folder as OUTPUT. Without
a speech each video speaks its own sound. Prints the path of each finished file.

The network paints the lower face anew from five pictures of the video and what a speech recogniser hears (--features,
--feature-model); the rest of the picture stays as it is. Pictures without the face pass through unchanged, the clock is
kept, and the stretches are told on stderr. Beside the published code, boxes follow the face smoothly, a face may be
near the border or change its size, the made crop is warped into the picture without holes and blended at its edge, no
frame is lost at the end, and a video of any frame rate keeps it. A checkpoint, a speech or features that cannot be used
are told once, before anything is made; a face that cannot be done is told on stderr, the others are done. The exit code
is 1 in both cases.

\b
Examples:
  tk-infer {name} --checkpoint {run} face.mp4 speech.wav dubbed.mp4
  tk-infer {name} --checkpoint {published} face.mp4 speech.wav dubbed.mp4
  tk-infer {name} --checkpoint {run} --references 0,40,81,120,200 face.mp4 speech.wav dubbed.mp4
  find talks -name '*.mp4' | tk-infer {name} --checkpoint {run} --audio speech.wav - dubbed/

See also: tk-feat and tk-crop-face --layout {name} (what is heard and where the face is, once for many runs), tk-train,
tk-weights.
"""

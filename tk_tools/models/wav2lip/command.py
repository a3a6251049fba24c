"""What `tk-infer wav2lip` offers: its options, its help, and which operands it takes. Imports nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tk_tools.dubbing import command as dubbing
from tk_tools.models import Inference, Request, Service, Upload
from tk_tools.models.wav2lip.options import InferOptions


def _check_box(ctx, param, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
    if value is None:
        return None
    top, bottom, left, right = value
    if top >= bottom or left >= right:
        raise click.BadParameter("TOP must be less than BOTTOM, and LEFT less than RIGHT")
    return left, top, right, bottom


OPTIONS = (
    dubbing.checkpoint,
    dubbing.audio,
    dubbing.faces,
    click.option(
        "--box",
        type=click.IntRange(min=0),
        nargs=4,
        callback=_check_box,
        metavar="TOP BOTTOM LEFT RIGHT",
        help="The face's place in every picture, in pixels, instead of finding it.",
    ),
    click.option(
        "--pads",
        type=click.IntRange(-10000, 10000),
        nargs=4,
        metavar="TOP BOTTOM LEFT RIGHT",
        help="Pixels added around the face found; the chin should be inside.",
        show_default="0 10 0 0 for published weights, 0 0 0 0 for those of tk-train",
    ),
    click.option(
        "--feather",
        type=click.FloatRange(0, 0.5),
        default=0.08,
        help="Blended edge of the made face as a share of its shorter side; 0: a hard edge.",
    ),
    dubbing.on_short_video("loop"),
    dubbing.still_fps,
    dubbing.precision,
    dubbing.batch_size("8 on each core, 64 on a GPU"),
    dubbing.quality,
)


def prepare(values: dict[str, Any], operands: tuple[Path, ...]) -> Request:
    """What a command line asks for. UsageError: it does not say what is to speak."""
    checkpoint, audio, faces = values.pop("checkpoint"), values.pop("audio"), values.pop("faces")
    operands, audio, notice = dubbing.take_speech(operands, audio)
    if values["box"] and faces is not None:
        raise click.UsageError("--box and --faces both say where the face is; give one of them.")
    options = InferOptions(**values)

    def also(face: Path) -> tuple[Path, ...]:
        """The checkpoint, the sound and the place of the face: the files that a result is made from, with the face."""
        from tk_tools.train.run_folder import weights_file

        return weights_file(checkpoint, options.weights_dir), audio or face, dubbing.places_of(face, faces)

    def check() -> None:
        from tk_tools.models.wav2lip.inference import check_shared
        from tk_tools.train.run_folder import weights_file

        check_shared(weights_file(checkpoint, options.weights_dir), audio, faces, options)

    return Request(operands=operands, options=options, also=also, check=check, notice=notice)


def check_service(values: dict[str, Any]) -> str | None:
    """Open what all faces of a service have in common. WeightsError, ConfigError: see check_shared."""
    return prepare(values, (Path("face"), Path("talking.mp4"))).check()


HELP = """Make a face speak any speech (Wav2Lip).

FACE: a video, a still picture, or a NAME.face.h5 of tk-crop-face with its video beside it. SPEECH: any sound, or a
video with sound. OUTPUT: one .mp4, with the pictures' size and frame rate and the whole speech.

Many faces: name files or folders, or pipe paths in ('-'), with --audio for the speech and a folder as OUTPUT. Without
a speech each video speaks its own sound. Prints the path of each finished file.

Pictures without the face pass through unchanged, the clock is kept, and the stretches are told on stderr. A video
longer than the speech ends with the speech. Beside the published code, the boxes follow the face smoothly instead of
by means of five pictures, and the made face is blended at its edge (--feather 0 as published). With published weights
frame i hears the sound from frame i on, as in the published code; with those of tk-train from the frame before on, as
in training. A checkpoint or a speech that cannot be used is told once, before anything is made; a face that cannot be
done is told on stderr, the others are done. The exit code is 1 in both cases.

\b
Examples:
  tk-infer wav2lip --checkpoint runs/gan face.mp4 speech.wav talking.mp4
  tk-infer wav2lip --checkpoint wav2lip_gan.pth photo.jpg speech.mp3 talking.mp4
  find talks -name '*.mp4' | tk-infer wav2lip --checkpoint runs/gan --audio speech.wav - dubbed/
  tk-infer wav2lip --checkpoint runs/gan --faces faces/ --audio speech.wav talks/ dubbed/

See also: tk-crop-face (boxes once, for many runs), tk-train, tk-eval-lse (how well the lips fit), tk-weights.
"""

INFERENCE = Inference(
    help=HELP,
    metavar="FACE [SPEECH] OUTPUT",
    options=OPTIONS,
    prepare=prepare,
    reads=dubbing.READS,
    shared=("face", "backend", "infer_device", "mark"),
    suffix=".mp4",
    service=Service(
        uploads=tuple(Upload(**fields) for fields in dubbing.UPLOADS),
        check=check_service,
        choices=("on_short_video", "feather", "quality"),
        not_served=("audio", "faces"),
    ),
)

"""tk-crop-face: video, still picture or NAME.frames.h5 -> NAME.face.h5."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from tk_tools.cli import _options
from tk_tools.cli._main import entry
from tk_tools.face.backends import DETECTORS

LAYOUTS = ("wav2lip", "syncnet", "lawdnet", "dinet")  # a test holds them to the registry, whose import is slow
OF_ANY_WIDTH = ("lawdnet", "dinet")
WITH_PADS = "wav2lip"


@click.command("tk-crop-face", context_settings=_options.CONTEXT)
@_options.operands("[INPUT]... OUTPUT")
@click.option(
    "--layout", type=click.Choice(LAYOUTS), default="wav2lip", help="Geometry of the crop, as a system expects it."
)
@click.option(
    "--width",
    type=click.IntRange(16, 2048),
    metavar="PIXELS",
    help="Width of the crop (lawdnet and dinet, whose height is 1.3 times that).",
    show_default="the layout's own: 320",
)
@_options.face
@_options.backend
@click.option("--detector", type=click.Choice(DETECTORS), default="sfd", help="Detector of the backend face-alignment.")
@click.option(
    "--boxes",
    type=_options.path_type(file_okay=False, exists=True),
    help="Folder with NAME.npy (frames, 4): x1 y1 x2 y2; for --detector folder.",
)
@click.option(
    "--landmarks",
    type=_options.path_type(exists=True),
    metavar="PATH",
    help="Landmarks of OpenFace instead of finding them: a folder with NAME.csv for each clip, or that file.",
)
@_options.device
@_options.weights_dir
@click.option(
    "--pads",
    type=click.IntRange(-10000, 10000),
    nargs=4,
    default=(0, 0, 0, 0),
    metavar="TOP BOTTOM LEFT RIGHT",
    help="Source pixels added around the box (wav2lip).",
)
@click.option(
    "--smoothing", type=click.FloatRange(0, 2), default=0.05, help="Window over the boxes: its deviation in seconds."
)
@click.option(
    "--gap",
    type=click.FloatRange(0, 2),
    default=0.4,
    help="Interpolate while the face is missing for up to so many seconds.",
)
@_options.fps
@_options.codec
@_options.quality
@_options.sample_rate
@_options.file_tool
def command(**values: Any) -> int:
    """Follow one face through each video and store its crops, landmarks and sound in HDF5.

    INPUT: videos, still pictures or NAME.frames.h5, or folders searched for videos and NAME.frames.h5; '-' or none:
    paths from standard input. OUTPUT: a folder, or one NAME.face.h5. Prints the path of each finished file.

    When several faces are seen and --face does not say which, the largest is followed, and that is told on stderr. The
    clock is never broken: a short gap is interpolated; in a longer one the frames are marked as not valid, the gap is
    told on stderr, and training and inference pass over it. A video without any face is an error: it is told on stderr,
    the others are done, and the exit code is 1.

    The layout lawdnet turns the face upright, dinet takes a box around its lower part; a mouth of 64, 128, 256 or 288
    pixels lies in a crop 80, 160, 320 or 360 wide. Crops may be wider than a network needs, and are shrunk for it.

    \b
    Examples:
      tk-crop-face talks/ faces/
      tk-crop-face --face left --layout syncnet interview.mp4 interview.face.h5
      tk-crop-face --workers 8 in/ out/ | tk-train wav2lip
      tk-crop-face --layout lawdnet --width 640 --landmarks openface/ talks/ faces/

    See also: tk-extract-frames (before), tk-train, tk-infer and tk-plot (after), tk-weights.
    """
    from tk_tools.cli._batch import run_batch
    from tk_tools.face.crop import OPENFACE, CropOptions, check_backend, crop_faces, crop_given
    from tk_tools.files.find import VIDEO_SUFFIXES, stem_of

    common = _options.take_common(values)
    _check_detector(**values)
    _check_width(**values)
    _check_pads(**values)
    reads = (*VIDEO_SUFFIXES, ".frames.h5")
    landmarks = values.pop("landmarks")
    if landmarks is not None:
        if not landmarks.is_dir() and len(common.operands) != 2:
            raise click.UsageError("--landmarks FILE is of one video; for several name the folder of their NAME.csv.")
        options = CropOptions(**values | {"backend": OPENFACE})

        def given(source: Path) -> tuple[Path]:
            return (landmarks / f"{stem_of(source, reads)}.csv" if landmarks.is_dir() else landmarks,)

        return run_batch("tk-crop-face", common, crop_given, options, reads=reads, suffix=".face.h5", also=given)
    options = CropOptions(**values)

    def check() -> None:
        check_backend(options)

    return run_batch("tk-crop-face", common, crop_faces, options, reads=reads, suffix=".face.h5", check=check)


def _check_width(layout: str, width: int | None, **_: Any) -> None:
    if width is not None and layout not in OF_ANY_WIDTH:
        raise click.UsageError(f"--width is for the layouts {' and '.join(OF_ANY_WIDTH)}; {layout} has one size.")


def _check_pads(layout: str, **_: Any) -> None:
    given = click.get_current_context().get_parameter_source("pads") is ParameterSource.COMMANDLINE
    if given and layout != WITH_PADS:
        raise click.UsageError(f"--pads is for the layout {WITH_PADS}; {layout} is laid out by the landmarks.")


def _check_detector(backend: str, detector: str, boxes: Path | None, landmarks: Path | None, **_: Any) -> None:
    """Options that would be passed over are wrong usage."""
    context = click.get_current_context()
    if landmarks is not None:
        for name in ("backend", "detector", "boxes", "face"):
            if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                raise click.UsageError(f"--landmarks and --{name} both say where the face is; give one of them.")
    source = context.get_parameter_source("detector")
    if backend != "face-alignment" and source is ParameterSource.COMMANDLINE:
        raise click.UsageError("--detector chooses among those of --backend face-alignment; say both, or neither.")
    if (boxes is not None) != (detector == "folder"):
        raise click.UsageError("--boxes and --detector folder belong together; say both, or neither.")


main = entry(command)

if __name__ == "__main__":
    main()

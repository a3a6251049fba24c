"""Options that two commands share, each declared once.

--align       make unlike pairs comparable               eval-video, eval-audio
--backend     what finds faces and landmarks             crop-face, eval-lse, eval-video, infer, serve
--codec       how pictures are stored                    extract-frames, crop-face
--dask        HOST:PORT of a Dask scheduler              all file tools, eval-*
--device      device of torch                            crop-face, embed, feat, infer, eval-*; serve has several
--errors      file for the failed inputs, NDJSON         all file tools, eval-*
--face        which face to follow                       crop-face, eval-lse, eval-video, infer, serve
--force       make results again                         all file tools, demo-data, eval-lse --fix
--fps         pictures per second                        extract-frames, crop-face
--json        NDJSON instead of paths or tables          all tools but train
--mark        say in the metadata that it is synthetic   infer, serve
--null, -0    paths on stdin end with NUL                all tools that take paths; not infer styletts2
--pairs       list of made files and references          eval-video, eval-audio
--quality     of JPEG pictures                           extract-frames, crop-face
--quiet, -q   fewer messages (-qq: faults alone)         all tools
--reference   real files to compare made ones with       eval-video, eval-audio
--sample-rate samples per second of the sound            extract-frames, crop-face
--shard       K/N: only every N-th input, from the K-th  all file tools, eval-*
--summary     JSON file of the means of a set            eval-*
--verbose, -v more messages, tracebacks of faults        all tools
--weights-dir folder with published weights              crop-face, embed, feat, eval-*, infer, serve, weights, doctor
--workers     worker processes                           all file tools, demo-data, check, eval-*
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from tk_tools.errors import ConfigError
from tk_tools.face.backends import BACKENDS, DEFAULT_BACKEND, DEFAULT_FACE
from tk_tools.files.rates import FRAME_RATE, parse_rate

CONTEXT = {"show_default": True, "help_option_names": ["-h", "--help"], "max_content_width": 100}


class Rate(click.ParamType):
    """A frame rate: a number or a fraction (30000/1001), over 0 and at most 1000."""

    name = "rate"

    def convert(self, value: Any, param, ctx) -> Fraction:
        try:
            return parse_rate(value)
        except ConfigError as error:
            self.fail(str(error), param, ctx)


class Shard(click.ParamType):
    """K/N with 1 <= K <= N."""

    name = "k/n"

    def convert(self, value: Any, param, ctx) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        index, _, count = str(value).partition("/")
        if not (index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count)):
            self.fail(f"{value!r} is not K/N with 1 <= K <= N, such as 2/8", param, ctx)
        return int(index), int(count)


@dataclass(frozen=True)
class Common:
    """The shared options of one run of a file tool."""

    operands: tuple[Path, ...] | tuple[str, ...]
    null: bool
    workers: int
    dask: str | None
    shard: tuple[int, int]
    force: bool
    errors: Path | None
    json: bool
    verbosity: int


def _check_face(ctx, param, value: str) -> str:
    from tk_tools.face.track import check_choice

    try:
        return check_choice(value)
    except ConfigError as error:
        raise click.BadParameter(str(error)) from error


def _check_device(ctx, param, value: str) -> str:
    from tk_tools.nets.device import choose_device

    try:
        return choose_device(value)
    except ConfigError as error:
        raise click.BadParameter(str(error)) from error


def _check_device_name(ctx, param, value: str) -> str:
    from tk_tools.nets.device import NAME

    if not NAME.fullmatch(value):  # whether it is there is asked where the work is done
        raise click.BadParameter("say auto, cpu, cuda, cuda:N or mps")
    return value


def _check_dask(ctx, param, value: str | None) -> str | None:
    host, _, port = (value or "host:1").removeprefix("tcp://").rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise click.BadParameter(f"{value!r} is not HOST:PORT, such as head-node:8786")
    return value and f"{host}:{port}"


def path_type(**checks: Any) -> click.Path:
    """A path as a pathlib.Path."""
    return click.Path(path_type=Path, **checks)


def operands(metavar: str) -> Callable:
    """The operands of a tool that reads paths, also from stdin."""
    # Whether a file can be read is found out file by file, so that one that cannot does not stop the others.
    return click.argument("operands", metavar=metavar, nargs=-1, type=path_type(readable=False))


def texts(metavar: str) -> Callable:
    """The operands of a tool that reads texts, which may stand there themselves."""
    return click.argument("operands", metavar=metavar, nargs=-1)


null = click.option("-0", "--null", is_flag=True, help="Paths on standard input end with NUL instead of a newline.")
json_lines = click.option("--json", is_flag=True, help="Print NDJSON with the facts, one object a line.")
verbose = click.option(
    "-v", "--verbose", count=True, help="More messages; tracebacks of unexpected faults.", show_default=False
)
quiet = click.option("-q", "--quiet", count=True, help="Fewer messages (-qq: faults alone).", show_default=False)
weights_dir = click.option(
    "--weights-dir",
    type=path_type(file_okay=False),
    envvar="TK_WEIGHTS",
    show_envvar=True,
    help="Folder with published weights, looked into first.",
)
sample_rate = click.option(
    "--sample-rate",
    type=click.IntRange(8000, 192000),
    default=16000,
    help="Samples per second of the sound (Hz).",
)
face = click.option(
    "--face",
    default=DEFAULT_FACE,
    callback=_check_face,
    metavar="WHICH",
    help="The face to follow: largest, left, right, or its number from the left.",
)
backend = click.option(
    "--backend", type=click.Choice(list(BACKENDS)), default=DEFAULT_BACKEND, help="What finds faces and landmarks."
)
device = click.option(
    "--device",
    default="cpu",
    callback=_check_device,
    metavar="NAME",
    help="Device of torch: auto, cpu, cuda, cuda:N or mps.",
)
infer_device = click.option(
    "--device",
    default="auto",
    callback=_check_device_name,
    metavar="NAME",
    help="Device of torch: auto, cpu, cuda, cuda:N or mps.",
)
mark = click.option("--mark/--no-mark", default=True, help="Say in the result's metadata that it is synthetic.")
fps = click.option(
    "--fps",
    type=Rate(),
    default=str(FRAME_RATE),
    metavar="RATE",
    help="Pictures per second of the output; the clock stays true.",
)
codec = click.option(
    "--codec", type=click.Choice(["jpeg", "png", "raw"]), default="jpeg", help="How the pictures are stored."
)
quality = click.option("--quality", type=click.IntRange(1, 100), default=95, help="Quality of JPEG pictures.")
force = click.option("--force", is_flag=True, help="Make results again that are up to date.")
errors = click.option(
    "--errors",
    type=path_type(dir_okay=False),
    metavar="FILE",
    help="Write the failed inputs to FILE, one NDJSON row each.",
)
workers = click.option("--workers", type=click.IntRange(min=1), default=1, help="Worker processes.")
shard = click.option(
    "--shard", type=Shard(), default="1/1", metavar="K/N", help="Do only every N-th input, from the K-th on."
)
dask = click.option(
    "--dask", callback=_check_dask, metavar="HOST:PORT", help="Do the work on the Dask cluster of this scheduler."
)


reference = click.option(
    "--reference",
    type=path_type(exists=True),
    metavar="PATH",
    help="The real files: a folder in which each has the name of its made one, or one file for all.",
)
pairs = click.option(
    "--pairs",
    type=path_type(exists=True, dir_okay=False),
    metavar="FILE",
    help="Instead: a list with MADE, a tab and REFERENCE on each line; without INPUT all of it is measured.",
)
summary = click.option(
    "--summary",
    type=path_type(dir_okay=False),
    metavar="FILE.json",
    help="Keep what is said of the whole set as JSON: means, their 95 % intervals, how they were measured.",
)


def _bundle(*decorators: Callable) -> Callable:
    def apply(function: Callable) -> Callable:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


verbosity = _bundle(quiet, verbose)
file_tool = _bundle(workers, dask, shard, force, errors, json_lines, null, verbosity)
text_tool = _bundle(workers, dask, shard, force, errors, json_lines, verbosity)
row_tool = _bundle(workers, dask, shard, errors, json_lines, null, verbosity)


def take_common(values: dict[str, Any]) -> Common:
    """Take the shared options out of a command's keyword arguments; what is left is the command's own.

    Of those that a command does not have, the defaults."""
    return Common(
        operands=values.pop("operands"),
        null=values.pop("null", False),
        workers=values.pop("workers", 1),
        dask=values.pop("dask", None),
        shard=values.pop("shard", (1, 1)),
        force=values.pop("force", False),
        errors=values.pop("errors", None),
        json=values.pop("json"),
        verbosity=values.pop("verbose") - values.pop("quiet"),
    )

"""A model whose operands are texts: which of them are files, and where what is said of them goes."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from tk_tools.cli import _options
from tk_tools.cli._batch import run_batch
from tk_tools.cli._failures import FailureList
from tk_tools.cli._log import Log
from tk_tools.cli._main import ExitCode
from tk_tools.cli._options import Common
from tk_tools.errors import OutputError, TkError
from tk_tools.models import Inference, Model, Request, load

STDIO = "-"
THE_TEXT = "the text"  # what messages call one that has no file
_NAME = "text.txt"  # of the file that it is put into
_PATHS_BEGIN = ("/", "./", "../", "~/")
_BLOCK = 1 << 16


def run_texts(tool: str, model: Model, inference: Inference, values: dict[str, Any], common: Common) -> ExitCode:
    """Say the texts of the operands with a model; OUTPUT `-`: to standard output, while it is made."""
    log = Log(tool, common.verbosity)
    operands = tuple(map(str, common.operands))
    if not operands:
        raise click.UsageError("Missing operands: say what to say and, last, the output: a .wav, a folder, or '-'.")
    *texts, output = operands
    with _as_files(texts, log) as (paths, written):
        if written is not None:
            _check_one_result(output, common)
        request = inference.prepare(values, (*paths, Path(output)))
        make = model.inference
        if request.talking is not None:
            from tk_tools.models import talking

            make = "tk_tools.models.talking:talk"
            request = talking.with_face(model, request, _as_face(request))
        if request.notice:
            log.info(request.notice)
        if output == STDIO:
            return _stream(inference, request, common, log, written)
        return run_batch(
            tool,
            replace(common, operands=request.operands),
            load(make),
            request.options,
            reads=inference.reads,
            suffix=request.suffix or inference.suffix,
            also=request.also,
            check=request.check,
            unnamed={} if written is None else {str(written): THE_TEXT},
        )


@contextmanager
def _as_files(texts: list[str], log: Log) -> Iterator[tuple[list[Path], Path | None]]:
    """The operands as paths, and among them the file that a text was put into, None where all are files.

    UsageError: an operand is no text, or several are.
    """
    literal = [text for text in texts if text == STDIO or not _is_path(text)]
    if len(literal) > 1:
        raise click.UsageError(f"{literal[0]!r} and {literal[1]!r} are two texts; put the words of one in quotes.")
    if texts and not literal:
        yield [Path(text) for text in texts], None
        return
    (text,) = literal or [STDIO]
    with tempfile.TemporaryDirectory(prefix="tk-text-") as folder:
        written = Path(folder, _NAME)
        if text == STDIO:
            _keep_stdin(written, log, asked=bool(texts))
        else:
            written.write_bytes(_checked(text))
        yield [written if operand == text else Path(operand) for operand in texts or [text]], written


def _is_path(operand: str) -> bool:
    """Whether an operand names a file, be it there or not, and is no text."""
    if not operand.strip():
        return False
    try:
        if Path(operand).exists():
            return True
    except (OSError, ValueError):  # too long for a name
        return False
    if operand.endswith(".txt") or operand.startswith(_PATHS_BEGIN):
        return True
    return "/" in operand and "://" not in operand and not any(map(str.isspace, operand))


def _checked(text: str) -> bytes:
    if not text.strip():
        raise click.UsageError("There is nothing to say: the text is empty.")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise click.UsageError("The text is not UTF-8.") from None


def _keep_stdin(target: Path, log: Log, asked: bool) -> None:
    """Put the text of standard input into a file. UsageError: there is none."""
    if not asked and sys.stdin.isatty():
        raise click.UsageError("Missing text: say it in quotes, name files, or pipe it in.")
    log.info("reading the text from standard input")
    with open(target, "wb") as file:
        while block := sys.stdin.buffer.read(_BLOCK):
            file.write(block)
        if file.tell() == 0:
            raise click.UsageError("There is nothing to say: standard input is empty.")


def _check_one_result(output: str, common: Common) -> None:
    """A text without a file has no name that its result could have, unless a folder is there for it."""
    if output != STDIO and not output.lower().endswith((".wav", ".mp4")) and not Path(output).is_dir():
        raise click.UsageError(f"{output!r} is no output for a text: name a .wav (with --face an .mp4), or '-'.")
    if common.dask:
        raise click.UsageError("--dask takes texts in files, which all its machines can read.")


def _as_face(spoken: Request):
    """How the operands of a face model become its request: with its defaults, and what both models have in common."""

    def prepare(inference: Inference, operands: tuple[Path, ...]) -> Request:
        def carrier() -> None:
            """Carries the options."""

        shared = (getattr(_options, name) for name in inference.shared)
        for option in (*inference.options, _options.weights_dir, *shared):
            carrier = option(carrier)
        given = ["--checkpoint", str(spoken.talking.checkpoint), "--device", spoken.options.device]
        given += ["--mark" if spoken.options.mark else "--no-mark"]
        if spoken.options.weights_dir is not None:
            given += ["--weights-dir", str(spoken.options.weights_dir)]
        values = click.command()(carrier).make_context("face", given).params
        return inference.prepare(values, operands)

    return prepare


def _stream(inference: Inference, request: Request, common: Common, log: Log, written: Path | None) -> ExitCode:
    """One text, as sound on standard output."""
    *paths, _ = request.operands
    if len(paths) != 1 or paths[0].is_dir():
        raise click.UsageError("One text at a time goes to standard output; name a folder for several.")
    if request.talking is not None:
        raise click.UsageError("A film is not written to standard output; name an .mp4.")
    if common.json:
        raise click.UsageError("--json is told on standard output, where the sound goes; name a .wav.")
    if sys.stdout.isatty():
        raise click.UsageError("The sound would go to the terminal; pipe it into a player, or name a .wav.")
    failures = FailureList(common.errors, log.tool)
    (source,) = paths
    try:
        if notice := request.check():
            log.info(notice)
        facts = load(inference.stream)(source, *request.also(source), _Out(), request.options)
    except TkError as error:
        path = THE_TEXT if error.path == str(written) else error.path
        failures.add(path, str(told := type(error)(error.message, path=path)))
        raise told from error
    finally:
        failures.close()
    if warning := facts.get("warning"):
        log.warn(f"{THE_TEXT if source == written else source}: {warning}")
    return ExitCode.DONE


class _Out:
    """Standard output for bytes. OutputError: it does not take them (a full disk)."""

    def write(self, data: bytes) -> None:
        self._do(sys.stdout.buffer.write, data)

    def flush(self) -> None:
        self._do(sys.stdout.buffer.flush)

    @staticmethod
    def _do(function, *arguments) -> None:
        try:
            function(*arguments)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"standard output cannot be written: {error.strerror}") from error

"""tk-embed --matrix: how alike the voices of NAME.embed.h5 files are, as rows, a picture and a line of words."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

from tk_tools.cli._failures import FailureList
from tk_tools.cli._inputs import find_inputs
from tk_tools.cli._log import Log
from tk_tools.cli._main import ExitCode
from tk_tools.cli._options import Common
from tk_tools.cli._output import print_rows
from tk_tools.errors import InputError, TkError
from tk_tools.files.embed_file import EMBED, Embed, read_embed_file
from tk_tools.files.find import stem_of
from tk_tools.files.made_from import read_provenance
from tk_tools.files.provenance import Provenance, source_of
from tk_tools.metrics.voices import Verification, cosine_similarities, verify
from tk_tools.plots.png import write_png
from tk_tools.plots.similarity import draw_similarities

MOST = 5000  # files: 25 million cosines
_FIT = 10  # columns of cosines on a terminal
_DIGITS = 6


def print_matrix(tool: str, common: Common, picture: Path) -> ExitCode:
    """Print the cosines of all files that the operands name, and draw them into `picture`.

    A file of windows counts with their mean. Exit code 1 when a file could not be read; the others are compared.
    """
    _check_picture(picture)
    log, failures = Log(tool, common.verbosity), FailureList(common.errors, tool)
    found: dict[Path, Embed] = {}
    failed = 0

    def fail(error: TkError) -> None:
        nonlocal failed
        failed += 1
        log.error(str(error))
        failures.add(error.path, str(error))

    try:
        for item in find_inputs(common.operands, (EMBED.suffix,), log, null=common.null, failed=fail):
            try:
                found[item.path] = read_embed_file(item.path)
            except InputError as error:
                fail(error)
            if len(found) > MOST:
                raise click.UsageError(f"--matrix: more than {MOST} files; name fewer, or embed them --per speaker.")
    finally:
        failures.close()
    if found:
        _compare(found, common, picture, log)
    return ExitCode.SOME_FAILED if failed else ExitCode.DONE


def _compare(found: dict[Path, Embed], common: Common, picture: Path, log: Log) -> None:
    paths = list(found)
    if len({embed.preset for embed in found.values()}) > 1:
        log.warn("the files were made with different presets; embed all with one")
    cosines = cosine_similarities(np.stack([embed.mean for embed in found.values()]))
    folders = [path.absolute().parent for path in paths]
    names = [stem_of(path, (EMBED.suffix,)) for path in paths]
    drawn = draw_similarities(cosines, names, [folder.name for folder in folders])
    write_png(picture, drawn, Provenance({"plot": "similarity"}, source_of(*paths)))
    _print([str(path) for path in paths], cosines.astype(np.float64).round(_DIGITS), common.json)
    log.info(f"{len(paths)} voices are drawn in {picture}")
    if all(embed.per != "speaker" for embed in found.values()) and (told := verify(cosines, folders)):
        log.info(_in_words(told, len(set(folders))))


def _print(paths: list[str], cosines: np.ndarray, as_json: bool) -> None:
    if as_json:
        print_rows(({"path": path, "cosine": of} for path, of in _named(paths, cosines)), (), as_json=True)
    elif not sys.stdout.isatty():
        print_rows(({"path": path} | of for path, of in _named(paths, cosines)), ("path", *paths))
    elif len(paths) <= _FIT:
        numbers = [str(number) for number in range(1, len(paths) + 1)]
        rows = ({"": number} | row for number, row in zip(numbers, _numbered(paths, cosines, numbers), strict=True))
        print_rows(rows, ("", "path", *numbers))
    else:
        others = np.where(np.eye(len(paths), dtype=bool), -np.inf, cosines)
        nearest = others.argmax(axis=1)
        rows = zip(paths, nearest, strict=True)
        print_rows(
            ({"path": path, "most alike": paths[at], "cosine": float(others[row, at])}
             for row, (path, at) in enumerate(rows)),
            ("path", "most alike", "cosine"),
        )  # fmt: skip


def _named(paths: list[str], cosines: np.ndarray) -> Iterator[tuple[str, dict[str, float]]]:
    for path, values in zip(paths, cosines, strict=True):
        yield path, dict(zip(paths, values.tolist(), strict=True))


def _numbered(paths: list[str], cosines: np.ndarray, numbers: list[str]) -> Iterator[dict[str, Any]]:
    for path, values in zip(paths, cosines, strict=True):
        yield {"path": path} | dict(zip(numbers, values.tolist(), strict=True))


def _in_words(told: Verification, folders: int) -> str:
    same, different = told.same, told.different
    return (
        f"{folders} folders as speakers: one voice {same.mean:.3f} ({same.lowest:.3f} to {same.highest:.3f}, "
        f"{same.pairs} pairs), two voices {different.mean:.3f} ({different.lowest:.3f} to {different.highest:.3f}, "
        f"{different.pairs} pairs), EER {100 * told.eer:.1f} % at {told.threshold:.3f}"
    )


def _check_picture(picture: Path) -> None:
    """UsageError: a picture cannot go there."""
    if picture.suffix != ".png":
        raise click.UsageError(f"--matrix: {picture} is no NAME.png.")
    if picture.exists() and read_provenance(picture) is None:
        raise click.UsageError(f"--matrix: {picture} is there already and not made by these tools; name another.")

"""Operands or standard input: which files a tool is to read."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click

from tk_tools.cli._log import Log
from tk_tools.errors import InputError
from tk_tools.files.find import Found, find_files, read_paths

STDIN = Path("-")


def split_operands(operands: tuple[Path, ...]) -> tuple[tuple[Path, ...], Path]:
    """The input operands and the last one, the output, as with cp."""
    if not operands:
        raise click.UsageError("Missing operands: name the inputs and, last, the output folder or file.")
    *inputs, output = operands
    if output == STDIN:
        raise click.UsageError("The last operand is the output and cannot be '-'.")
    return tuple(inputs), output


def from_stdin(inputs: tuple[Path, ...]) -> bool:
    """Whether the paths come from standard input: `-` is named, or nothing is and stdin is no terminal."""
    if STDIN in inputs:
        if len(inputs) > 1:
            raise click.UsageError("'-' (paths from standard input) cannot stand beside other inputs.")
        return True
    if inputs:
        return False
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        raise click.UsageError("Missing inputs: name files or folders, or pipe paths in.")
    return True


def find_inputs(
    inputs: tuple[Path, ...],
    reads: tuple[str, ...],
    log: Log,
    *,
    null: bool,
    failed: Callable[[InputError], None],
) -> Iterator[Found]:
    """Every file to read, once, as it is found. An operand that gives none is told to `failed`, and the others go on.

    UsageError: the stream of paths is empty.
    """
    stream = from_stdin(inputs)
    found = _from_stream(reads, log, null, failed) if stream else _from_operands(inputs, reads, failed)
    seen: set[int] = set()  # `find DIR` names the folder and the files in it
    for item in found:
        mark = hash(os.path.abspath(item.path))
        if mark not in seen:
            seen.add(mark)
            yield item


def _from_operands(inputs, reads, failed) -> Iterator[Found]:
    for operand in inputs:
        yield from _each(operand, reads, failed)


def _from_stream(reads, log: Log, null: bool, failed) -> Iterator[Found]:
    log.info("reading paths from standard input")
    count = 0
    paths = read_paths(sys.stdin.buffer, null=null)
    while True:
        try:
            path = next(paths, None)
        except InputError as error:
            count += 1
            failed(error)
            return
        if path is None:
            break
        count += 1
        yield from _each(path, reads, failed)
    if count == 0:
        raise click.UsageError("Standard input gave no paths.")


def _each(operand: Path, reads, failed) -> Iterable[Found]:
    try:
        yield from find_files(operand, reads)
    except InputError as error:
        failed(error)

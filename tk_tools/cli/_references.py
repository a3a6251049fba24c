"""What the made files of a command line are compared with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tk_tools.cli._options import Common

if TYPE_CHECKING:
    from tk_tools.metrics.references import References


def take_references(
    common: Common, reference: Path | None, pairs: Path | None, suffixes: tuple[str, ...]
) -> tuple[References | None, Common]:
    """Those of --reference or --pairs, None without either; and the shared options, where a list without INPUT names
    the operands. For a cluster they have absolute paths. UsageError: both are given. InputError: see References."""
    from tk_tools.metrics.references import ReferencesByList, find_references

    if reference is not None and pairs is not None:
        raise click.UsageError("--reference and --pairs both say what to compare with; give one of them.")
    if pairs is not None:
        references = ReferencesByList(pairs)
        common = replace(common, operands=common.operands or tuple(references.made))
    elif reference is not None:
        references = find_references(reference, suffixes)
    else:
        return None, common
    if common.dask:
        references.make_absolute()
    return references, common

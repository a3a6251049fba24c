"""tk-report: rows of measurements -> one HTML page."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tk_tools.cli import _options
from tk_tools.cli._main import ExitCode, entry

if TYPE_CHECKING:
    from tk_tools.cli._log import Log
    from tk_tools.errors import InputError
    from tk_tools.report.rows import Row

TOOL = "tk-report"
_NAMED = 3  # missing files that are told one by one


@click.command(TOOL, context_settings=_options.CONTEXT)
@_options.operands("[INPUT]...")
@click.option(
    "--out",
    type=_options.path_type(),
    required=True,
    metavar="FOLDER",
    help="Where index.html is written.",
)
@click.option("--compare", is_flag=True, help="Each table is a system: set them side by side, with a paired test.")
@click.option(
    "--name", "names", multiple=True, metavar="NAME", help="Of a system, in their order; by default its file or folder."
)
@click.option("--by", metavar="MEASURE", help="Which clips are worst; by default by the first measure of the rows.")
@click.option(
    "--details",
    type=click.IntRange(0, 1000),
    default=10,
    help="Draw contact sheets and mel spectrograms of so many of the worst clips.",
)
@click.option(
    "--curves",
    type=_options.path_type(exists=True, dir_okay=False),
    multiple=True,
    metavar="FILE.sync.h5",
    help="Sync curves that tk-eval-lse kept; may be given several times.",
)
@click.option(
    "--embed",
    type=click.FloatRange(0, 1000),
    default=8.0,
    metavar="MB",
    help="Keep the clips in the page itself when all together take no more; else they are linked.",
)
@click.option("--title", default="Measurements", help="Of the page.")
@_options.json_lines
@_options.verbosity
def command(
    operands: tuple[Path, ...],
    out: Path,
    names: tuple[str, ...],
    curves: tuple[Path, ...],
    json: bool,
    verbose: int,
    quiet: int,
    **values: Any,
) -> int:
    """Make one HTML page of measurements, to be looked at.

    INPUT: tables that tk-eval-* printed, FILE.tsv or FILE.ndjson, or folders of them; '-' or none: the rows themselves
    from standard input. What several tools said of one clip is joined by its path. By which version and with which
    weights it was measured is kept.

    The page opens from disk and loads nothing: means with intervals and distributions, the worst clips first, all rows
    (sorted, filtered), and for each clip its player, its reference, contact sheets, mel spectrograms and sync curve.
    Small clips lie in the page, others are linked relatively: keep the folder where it is then.

    --compare: each FILE, or each table of standard input (a header line begins one), is a system. Clips are paired by
    name, whatever the folder; the mean differences have bootstrap intervals and p-values of a paired sign-flip test,
    corrected for their number (Holm). Numbers of which it is not known whether more or less is better are not tested.

    Rows of one tool that differ in its version, protocol (options, weights) or identity_network, in one system or
    between them, are told on stderr and on the page: their numbers do not belong together.

    Rows with an error and files that are missing stay in the page. A table that cannot be read is told on stderr, the
    others are done, and the exit code is 1. Prints the path of the page; an index.html of your own is never replaced.

    \b
    Examples:
      tk-eval-video --reference real/ made/ | tk-report --out report/
      tk-eval-lse --json --curves made.sync.h5 made/ | tk-report --curves made.sync.h5 --out report/
      tk-report --compare --name before --name after old.tsv new.tsv --out report/
      cat a.tsv b.tsv | tk-report --compare --by lse_c --out report/

    See also: tk-eval-video, tk-eval-lse (the ones before), tk-plot (single pictures).
    """
    from json import dumps

    from tk_tools.cli._log import Log
    from tk_tools.cli._output import write_line
    from tk_tools.errors import ConfigError
    from tk_tools.report.page import ReportOptions, check_target, make_page
    from tk_tools.report.systems import make_systems

    if names and not values["compare"]:
        raise click.UsageError("--name names a system and goes with --compare; the page's own name is --title.")
    log = Log(TOOL, verbose - quiet)
    check_target(out)
    failures: list[InputError] = []

    def failed(error: InputError) -> None:
        failures.append(error)
        log.error(str(error))

    groups = list(_groups(operands, log, failed))
    if not values["compare"] and groups:
        groups = [("", [table for _, tables in groups for table in tables])]
    systems = make_systems(groups, names)
    if not systems:
        return ExitCode.SOME_FAILED
    if len(names) > len(systems):
        raise ConfigError(f"--name is given {len(names)} times, for {len(systems)} systems")
    if values["compare"] and len(systems) < 2:
        raise ConfigError(
            "--compare needs two tables and found one; NDJSON of a stream is one table, so give the files themselves"
        )
    try:
        made = make_page(out, systems, ReportOptions(**values), curves=curves, told=log.warn, progress=log.progress)
    finally:
        log.close()
    for name in made.missing[:_NAMED]:
        log.warn(f"{name}: not found from here; its row stays, without a player")
    if len(made.missing) > _NAMED:
        log.warn(f"{len(made.missing) - _NAMED} more files were not found: run it where the rows were made")
    linked = ", clips linked" if made.linked else ""
    size = made.path.stat().st_size
    log.info(f"{made.clips} {'row' if made.clips == 1 else 'rows'}, {made.failed} failed; {size / 1e6:.1f} MB{linked}")
    facts = {"bytes": size, "clips": made.clips, "failed": made.failed, "missing": len(made.missing)}
    write_line(dumps({"path": str(made.path)} | facts, sort_keys=True) if json else str(made.path))
    return ExitCode.SOME_FAILED if failures else ExitCode.DONE


def _groups(
    operands: tuple[Path, ...], log: Log, failed: Callable[[InputError], None]
) -> Iterator[tuple[str, list[list[Row]]]]:
    """The tables of each file with its stem, or each table of standard input. UsageError: the stream is empty."""
    from tk_tools.cli._inputs import from_stdin
    from tk_tools.errors import InputError
    from tk_tools.files.find import find_files
    from tk_tools.report.rows import TABLE_SUFFIXES, read_table_file, read_tables

    if from_stdin(operands):
        log.info("reading rows from standard input")
        tables = read_tables(sys.stdin.buffer, "standard input")
        if not tables:
            raise click.UsageError("Standard input gave no rows.")
        yield from (("", [table]) for table in tables)
        return
    for operand in operands:
        try:
            for found in find_files(operand, TABLE_SUFFIXES):
                yield found.path.stem, read_table_file(found.path)
        except InputError as error:
            failed(error)


main = entry(command)

if __name__ == "__main__":
    main()

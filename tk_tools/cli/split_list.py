"""tk-split-list: paths -> train.txt, val.txt, test.txt."""

from __future__ import annotations

from pathlib import Path

import click

from tk_tools.cli import _options
from tk_tools.cli._main import ExitCode, entry


@click.command("tk-split-list", context_settings=_options.CONTEXT)
@_options.operands("[INPUT]... OUTPUT")
@click.option("--val", type=click.FloatRange(0, 1), default=0.05, help="Share of the clips for validation.")
@click.option("--test", type=click.FloatRange(0, 1), default=0.05, help="Share of the clips for testing.")
@click.option("--seed", type=int, default=0, help="Another seed gives another split.")
@click.option(
    "--by",
    type=click.Choice(["clip", "folder"]),
    default="clip",
    help="Split by the clip's name, or keep clips of one folder (a speaker, a video) together.",
)
@click.option("--kind", default=".face.h5", metavar="SUFFIX", help="Files that a searched folder is searched for.")
@_options.json_lines
@_options.null
@_options.verbosity
def command(
    operands: tuple[Path, ...],
    val: float,
    test: float,
    seed: int,
    by: str,
    kind: str,
    json: bool,
    null: bool,
    verbose: int,
    quiet: int,
) -> int:
    """Divide clips into lists for training, validation, testing.

    INPUT: files, or folders searched for them; '-' or none: paths from standard input. OUTPUT: the folder for
    train.txt, val.txt and test.txt, one path a line. A clip's list follows from its name alone (and the seed), so the
    lists stay the same when clips are added. A list that comes out empty although it has a share is told on stderr.
    Prints the paths of the three lists.

    \b
    Examples:
      tk-split-list faces/ lists/
      find faces -name '*.face.h5' | tk-split-list --by folder --val 0.1 - lists/
      tk-train wav2lip --val lists/val.txt - < lists/train.txt

    See also: tk-crop-face (the one before), tk-train (the next).
    """
    from json import dumps

    from tk_tools.cli._inputs import find_inputs, split_operands
    from tk_tools.cli._log import Log
    from tk_tools.cli._output import write_line
    from tk_tools.files.split import read_lists, write_lists

    if val + test > 1:
        raise click.UsageError("--val and --test together are more than 1.")
    log = Log("tk-split-list", verbose - quiet)
    inputs, output = split_operands(operands)
    failures = []

    def failed(error: Exception) -> None:
        failures.append(error)
        log.error(str(error))

    found = find_inputs(inputs, (kind,), log, null=null, failed=failed)
    paths = (item.path for item in found)
    shares = {"val": val, "test": test}
    before = read_lists(output, ["train", *shares])
    counts = write_lists(paths, output, shares=shares, seed=seed, by=by, suffix=kind, failed=failed)
    for name, count in counts.items():
        path = str(output / f"{name}.txt")
        write_line(dumps({"clips": count, "path": path, "set": name}, sort_keys=True) if json else path)
        log.info(f"{name}: {count} {'clip' if count == 1 else 'clips'}")
        if count == 0 and shares.get(name, round(1 - val - test, 9)) > 0:
            log.warn(f"{path}: no clip fell into this list; give it a larger share or take another --seed")
    if gone := before - read_lists(output, counts):
        log.warn(f"{output}: replaced; {len(gone)} of the {len(before)} paths that its lists held are in none any more")
    return ExitCode.SOME_FAILED if failures else ExitCode.DONE


main = entry(command)

if __name__ == "__main__":
    main()

"""tk-weights: the table of published checkpoints, and their files on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from tk_tools.cli import _options
from tk_tools.cli._main import ExitCode, entry

_LIST_COLUMNS = ("name", "system", "holds", "size", "terms", "where")
_VERIFY_COLUMNS = ("name", "path", "size", "digest", "holds", "fault")


@click.group("tk-weights", context_settings=_options.CONTEXT)
def command() -> None:
    """List, fetch, verify and convert published weights.

    Nothing is downloaded unless `fetch` is called. Files are looked for in --weights-dir, TK_WEIGHTS, the user's cache
    ($XDG_CACHE_HOME/tk-tools/weights), torch.hub's checkpoints, and the installed packages that bring them.

    \b
    Examples:
      tk-weights list --system wav2lip
      tk-weights fetch wav2lip-gan s3fd
      tk-weights verify
      tk-weights convert wav2lip_gan.pth wav2lip_gan.safetensors

    See also: tk-infer --checkpoint (reads published files as they are), tk-crop-face.
    """


@command.command("list")
@click.option("--system", help="Show the files of one system only, such as wav2lip.")
@click.option("--present", is_flag=True, help="Show only what is on this machine.")
@_options.weights_dir
@_options.json_lines
def list_(system: str | None, present: bool, weights_dir: Path | None, json: bool) -> int:
    """Show the table of published weights.

    A row each: name, system, what it holds, size (bytes, where known), terms of use, and where it lies on this machine
    (empty: not here). A table on a terminal, TSV into a pipe; --json adds addresses and digests.

    \b
    Examples:
      tk-weights list
      tk-weights list --present --json | jq -r .where
    """
    from tk_tools.cli._output import print_rows
    from tk_tools.weights.find import locate
    from tk_tools.weights.table import published

    systems = sorted({known.system for known in published()})
    if system is not None and system not in systems:
        raise click.BadParameter(f"{system!r} is not one of {', '.join(systems)}.", param_hint="'--system'")
    rows = []
    for known in published():
        where = locate(known, weights_dir)
        if (system is None or known.system == system) and (where is not None or not present):
            rows.append({**vars(known), "where": None if where is None else str(where)})
    print_rows(rows, _LIST_COLUMNS, as_json=json)
    return ExitCode.DONE


@command.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--force", is_flag=True, help="Fetch again what is there already.")
@_options.weights_dir
@_options.json_lines
@_options.verbosity
def fetch(names: tuple[str, ...], force: bool, weights_dir: Path | None, json: bool, verbose: int, quiet: int) -> int:
    """Download published weights by their names.

    Files go to --weights-dir, else TK_WEIGHTS, else the user's cache; each appears when its size and digest are right,
    and its path is printed. A broken download goes on where it stopped. Proxies are those of the environment.

    What only a person may download (Google Drive and the like) is told on stderr, with the address and the place to put
    it; the others are fetched, and the exit code is 1.

    \b
    Examples:
      tk-weights fetch wav2lip-gan
      tk-weights fetch --weights-dir /data/weights s3fd syncnet-v2
    """
    from tk_tools.cli._log import Log
    from tk_tools.cli._output import print_rows, write_line
    from tk_tools.errors import TkError
    from tk_tools.weights.fetch import fetch as fetch_file
    from tk_tools.weights.table import get_published

    log = Log("tk-weights", verbose - quiet)
    entries = [get_published(name) for name in dict.fromkeys(names)]
    code = ExitCode.DONE
    for known in entries:

        def report(done: int, total: int | None, name: str = known.name) -> None:
            log.progress(
                f"{name}: {done / 1e6:.0f} of {total / 1e6:.0f} MB" if total else f"{name}: {done / 1e6:.0f} MB"
            )

        try:
            path = fetch_file(known, weights_dir, force=force, report=report)
        except TkError as error:
            log.close()
            log.error(str(error))
            code = ExitCode.SOME_FAILED
            continue
        finally:
            log.close()
        log.info(f"{known.name}: terms of use: {known.terms}")
        if json:
            print_rows([{"name": known.name, "path": str(path), "terms": known.terms}], (), as_json=True)
        else:
            write_line(str(path))
    return code


@command.command()
@click.argument("names", metavar="[NAME|FILE]...", nargs=-1)
@_options.weights_dir
@_options.json_lines
def verify(names: tuple[str, ...], weights_dir: Path | None, json: bool) -> int:
    """Check weight files: size, digest, damage, and the network inside.

    Without operands: every published file on this machine. A row each; "unknown" where nothing is published to compare
    with. A fault too: another network than the published one, weights that are NaN or infinite. The exit code is 1 when
    a file has a fault.

    \b
    Examples:
      tk-weights verify
      tk-weights verify wav2lip-gan downloads/lipsync_expert.pth
    """
    from tk_tools.cli._log import Log
    from tk_tools.cli._output import print_rows
    from tk_tools.weights.find import find_weights, locate
    from tk_tools.weights.table import get_published, published
    from tk_tools.weights.verify import verify as verify_file

    known = {entry.name for entry in published()}
    if names:
        targets = [
            (get_published(name), find_weights(name, weights_dir)) if name in known else (None, Path(name))
            for name in names
        ]
    else:
        targets = [(entry, path) for entry in published() if (path := locate(entry, weights_dir))]
    log = Log("tk-weights")
    faults = 0

    def rows():
        nonlocal faults
        for entry_, path in targets:
            verdict = verify_file(path, entry_)
            if verdict.fault is not None:
                faults += 1
                log.error(f"{path}: {verdict.fault}")
            yield {"name": entry_.name if entry_ else None, "path": str(path), **vars(verdict)}

    print_rows(rows(), _VERIFY_COLUMNS, as_json=json)
    return ExitCode.SOME_FAILED if faults else ExitCode.DONE


@command.command()
@click.argument("source", metavar="FILE", type=_options.path_type())
@click.argument("target", metavar="[OUT.safetensors]", required=False, type=_options.path_type(dir_okay=False))
@click.option("--part", help="Take one of several networks in the file, such as net_G_ema.")
@click.option("--force", is_flag=True, help="Replace a file that was made from something else.")
@_options.json_lines
def convert(source: Path, target: Path | None, part: str | None, force: bool, json: bool) -> int:
    """Turn a checkpoint into safetensors.

    FILE: any published checkpoint, or one of tk-train. OUT: by default FILE with the suffix .safetensors. The tensors
    are equal; the header names the network (when it is known) and the digest of FILE. Prints the path.

    \b
    Examples:
      tk-weights convert wav2lip_gan.pth
      tk-weights convert --part net_G_ema DNet.pt dnet.safetensors
    """
    from tk_tools.cli._output import print_rows, write_line
    from tk_tools.weights.convert import convert as convert_file

    target = target or source.with_suffix(".safetensors")
    if target.suffix != ".safetensors":
        raise click.BadParameter(f"{target} does not end in .safetensors.", param_hint="'OUT'")
    facts = convert_file(source, target, part=part, force=force)
    if json:
        print_rows([{"path": str(target), **facts}], (), as_json=True)
    else:
        write_line(str(target))
    return ExitCode.DONE


main = entry(command)

if __name__ == "__main__":
    main()

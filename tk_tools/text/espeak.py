"""Where the espeak-ng library of the PyPI package espeakng-loader lies (an optional extra: it is under the GPL)."""

from __future__ import annotations

import os
import tempfile
from importlib.metadata import version
from pathlib import Path

from tk_tools.errors import MissingPackage

LONGEST_DATA_PATH = 120  # the library keeps this path in 160 characters and cuts longer ones without a word


def library_path(what: str) -> str:
    """The shared library. MissingPackage: espeakng-loader is not installed, so that `what` cannot be had."""
    return str(_loader(what).get_library_path())


def data_path(what: str) -> str:
    """The library's voices and dictionaries: their folder, or where its path is too long for the library a link to it
    in the temporary folder. MissingPackage: see library_path."""
    data = str(_loader(what).get_data_path())
    if len(os.fsencode(data)) <= LONGEST_DATA_PATH:
        return data
    global _link_folder
    if _link_folder is None:
        _link_folder = tempfile.TemporaryDirectory(prefix="tk-espeak-")
        (Path(_link_folder.name) / "espeak-ng-data").symlink_to(data)
    return str(Path(_link_folder.name) / "espeak-ng-data")


_link_folder: tempfile.TemporaryDirectory | None = None


def loader_version(what: str) -> str:
    """Name and version of the package. MissingPackage: see library_path."""
    _loader(what)
    return f"espeakng-loader {version('espeakng-loader')}"


def _loader(what: str):
    try:
        import espeakng_loader
    except ImportError:
        raise MissingPackage(f"{what} espeak-ng; install it with: pip install espeakng-loader") from None
    return espeakng_loader

"""The table of published checkpoints (table.yaml): name, address, size, digest, terms, and what each file holds.

Nothing here opens a network or a weight file; see find.py for where files lie and fetch.py for getting them.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from tk_tools.errors import ConfigError


@dataclass(frozen=True)
class Published:
    """One published file; table.yaml says what each field means."""

    name: str
    system: str
    file: str
    holds: str
    terms: str
    network: str | None = None
    addresses: tuple[str, ...] = ()
    page: str | None = None
    size: int | None = None
    sha256: str | None = None
    also: tuple[str, ...] = ()
    package: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All file names it is kept under."""
        return (self.file, *self.also)


@lru_cache(maxsize=1)
def published() -> tuple[Published, ...]:
    """All entries, in the order of the file."""
    import yaml

    text = files("tk_tools.weights").joinpath("table.yaml").read_text(encoding="utf-8")
    rows = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    lists = ("addresses", "also")
    return tuple(
        Published(**{key: tuple(value) if key in lists else value for key, value in row.items()}) for row in rows
    )


def get_published(name: str) -> Published:
    """The entry of that name. ConfigError names the nearest ones."""
    entries = {entry.name: entry for entry in published()}
    if name not in entries:
        near = difflib.get_close_matches(name, entries, n=2, cutoff=0.7)
        hint = f"did you mean {' or '.join(near)}?" if near else "`tk-weights list` shows all names"
        raise ConfigError(f"no published weights named {name!r}; {hint}")
    return entries[name]

"""What a result was made from and how: the sources' digest and the options that shaped it, kept in the result itself.

HDF5 files hold it in root attributes, wav, mp4 and png files as JSON in the comment tag; made_from.py reads it there. A
result whose provenance equals the one asked for is up to date; times of files prove little.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from tk_tools import __version__
from tk_tools.files.digest import file_digest

MADE_FROM = "tk-tools"
_AND = " + "
_NAMED = 3  # files beside the first that are named in words


@dataclass(frozen=True)
class Source:
    """What a file was made from: name and digest of its source; of several, one after another with " + " between."""

    name: str
    digest: str

    @property
    def in_words(self) -> str:
        """The name, cut where it is that of many files."""
        more = self.digest.count(_AND)
        return f"{self.first.name} + {more} more" if more > _NAMED else self.name

    @property
    def first(self) -> Source:
        """The input itself, without the further files (speech, weights) that the result was made from with it."""
        first, *further = self.digest.split(_AND)
        return Source(self.name.rsplit(_AND, len(further))[0], first)


@dataclass(frozen=True)
class Provenance:
    """The options that shaped a result (plain JSON values) and its source."""

    params: dict[str, Any]
    source: Source

    def comment(self, **marks: Any) -> str:
        """The JSON that goes into the comment tag of a wav or mp4 file, with further `marks` (synthetic=True)."""
        content = {
            "made_by": f"{MADE_FROM} {__version__}",
            "params": self.params,
            "source": vars(self.source),
        }
        return json.dumps(content | marks, sort_keys=True, ensure_ascii=True)


def describe(options: Any, *sources: Path) -> Provenance:
    """Provenance of what `options` (a dataclass) would make of the sources, which are hashed.

    Fields with metadata {"shapes_content": False} are left out: they change where or how fast, and not what.
    """
    return Provenance(shaping(options), source_of(*sources))


def source_of(*sources: Path) -> Source:
    """The Source that stands for these files, which are hashed."""
    paths = [Path(source) for source in sources]
    names, digests = (path.name for path in paths), map(file_digest, paths)
    return Source(name=_AND.join(names), digest=_AND.join(digests))


def shaping(options: Any) -> dict[str, Any]:
    """The fields of `options` that shape the content, as plain JSON values."""
    return {
        field.name: _plain(getattr(options, field.name))
        for field in dataclasses.fields(options)
        if field.metadata.get("shapes_content", True)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, (Fraction, Path)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value

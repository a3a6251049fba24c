"""Files that lie beside others by name: the embedding of a clip whose mel is at hand, in another folder as well."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from tk_tools.errors import InputError
from tk_tools.files.find import shared_folders, stem_of


class Companions:
    """Finds the one of `paths` that bears the name of a clip.

    suffixes: of these files; made_by: the tool that makes them, for messages. Of several with one name the one whose
    folders are most like those of the clip is meant: spk1/a.embed.h5 for spk1/a.mel.h5.
    """

    def __init__(self, paths: Iterable[Path], suffixes: tuple[str, ...], made_by: str):
        self._suffixes, self._made_by = suffixes, made_by
        self._named: dict[str, list[Path]] = {}
        for path in {os.path.abspath(path): path for path in paths}.values():  # one may be named twice
            if path.name.lower().endswith(suffixes):
                self._named.setdefault(stem_of(path, suffixes), []).append(path)

    def __bool__(self) -> bool:
        return bool(self._named)

    def of(self, clip: Path, name: str) -> Path:
        """The file of the clip `name` (its path: `clip`). InputError: there is none, or two fit equally well."""
        found = self._named.get(name, [])
        if not found:
            raise InputError(
                f"there is no {name}{self._suffixes[0]} for it among the inputs; {self._made_by} makes it", path=clip
            )
        likeness = [shared_folders(clip.absolute(), path.absolute()) for path in found]
        best = [path for path, alike in zip(found, likeness, strict=True) if alike == max(likeness)]
        if len(best) > 1:
            raise InputError(f"{best[0]} and {best[1]} fit equally well; give folders with one of them", path=clip)
        return best[0]

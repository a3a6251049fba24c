"""Files that rows name, as the page refers to them: embedded when all are small together, else linked relatively."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tk_tools.files.find import AUDIO_SUFFIXES, VIDEO_SUFFIXES

_TYPES = {
    ".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm", ".ogv": "video/ogg",
    ".wav": "audio/wav", ".mp3": "audio/mpeg", ".flac": "audio/flac", ".ogg": "audio/ogg", ".oga": "audio/ogg",
    ".opus": "audio/ogg", ".m4a": "audio/mp4", ".aac": "audio/aac",
}  # fmt: skip
"""What browsers play; anything else is linked, never embedded."""


@dataclass(frozen=True)
class Media:
    """How the page of a folder refers to the files of its rows. embed: into the page, instead of linking."""

    folder: Path
    embed: bool

    def refer(self, path: str) -> dict[str, Any]:
        """What the page needs of a file: `name` to show, `kind` (video, audio or file) and `source`, None: missing."""
        suffix = Path(path).suffix.lower()
        kind = "video" if suffix in VIDEO_SUFFIXES else "audio" if suffix in AUDIO_SUFFIXES else "file"
        return {"name": shown(path), "kind": kind, "source": self._source(path, suffix)}

    def _source(self, path: str, suffix: str) -> str | None:
        if not os.path.isfile(path):
            return None
        if self.embed and suffix in _TYPES:
            with suppress(OSError):  # not readable for us: the link may be of use to others
                return f"data:{_TYPES[suffix]};base64,{base64.b64encode(Path(path).read_bytes()).decode('ascii')}"
        return quote(os.fsencode(os.path.relpath(path, self.folder)), safe="/")


def choose_media(folder: Path, paths: Iterable[str], limit: float) -> Media:
    """Embed when all that browsers play is not larger than `limit` MB in the page (base64 adds a third)."""
    room = limit * 1e6 * 3 / 4
    for path in dict.fromkeys(paths):
        if Path(path).suffix.lower() in _TYPES and os.path.isfile(path):
            room -= os.path.getsize(path)
            if room < 0:
                return Media(folder, embed=False)
    return Media(folder, embed=True)


def shown(text: str) -> str:
    """A name as text that any page shows truly: bytes that are not UTF-8 and invisible characters are escaped."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)

"""The digest that says which file a result was made from."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from tk_tools.errors import InputError


def file_digest(path: Path) -> str:
    """BLAKE2b (128 bits) of a file's bytes, as "blake2b:HEX". InputError: the file cannot be read.

    Hashed once in a process as long as size and time of change stay the same.
    """
    try:
        facts = os.stat(path)
        return _digest(os.fspath(path), facts.st_size, facts.st_mtime_ns, facts.st_ino)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from error


@lru_cache(maxsize=1 << 16)
def _digest(path: str, size: int, changed: int, inode: int) -> str:
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
    return f"blake2b:{digest.hexdigest()}"


def stamp(path: Path) -> tuple[Path, int]:
    """A file and when it was changed: what was read from it serves as long as both are the same. A missing file is
    told where it is read."""
    try:
        return path, path.stat().st_mtime_ns
    except OSError:
        return path, 0

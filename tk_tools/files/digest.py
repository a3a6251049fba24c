"""The digest that says which file a result was made from."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tk_tools.errors import InputError


def file_digest(path: Path) -> str:
    """BLAKE2b (128 bits) of a file's bytes, as "blake2b:HEX". InputError: the file cannot be read."""
    try:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from error
    return f"blake2b:{digest.hexdigest()}"

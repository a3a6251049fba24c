"""Files appear whole or not at all.

A result is written under a hidden name of its own in the same folder, synced, checked and renamed. What a killed run
left behind is recognised by the number of its dead process, and swept by the next run in that folder.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import socket
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tk_tools.errors import OutputError

_HOST = f"{zlib.crc32(socket.gethostname().encode()):08x}"
_LEFTOVER = re.compile(r"\.tk-(?P<host>[0-9a-f]{8})-(?P<process>\d+)-[0-9a-f]{8}~")
_LONGEST_NAME = 255  # bytes: the limit of the usual file systems


def temporary_name(target: Path) -> Path:
    """A hidden name beside `target`, with the same suffix, that no other process uses."""
    mark = f".tk-{_HOST}-{os.getpid()}-{secrets.token_hex(4)}~".encode()
    name = os.fsencode(target.name)
    return target.parent / os.fsdecode(mark + name[-(_LONGEST_NAME - len(mark)) :])


@contextmanager
def atomic_path(target: Path, check: Callable[[Path], None] | None = None) -> Iterator[Path]:
    """Give a temporary path to write to; when the block ends well it becomes `target`, else it is removed.

    `check` is called on the finished temporary and raises when it is not whole. OutputError: the folder or the disk
    does not take the file.
    """
    target = Path(target)
    temporary = temporary_name(target)
    try:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            sync(temporary)
            if check is not None:
                check(temporary)
            os.replace(temporary, target)
            sync(target.parent)
        except OSError as error:
            raise output_error(error, target) from error
    finally:
        with suppress(NotADirectoryError):  # a part of the path is a file: nothing was written
            temporary.unlink(missing_ok=True)


def missing_folders(folder: Path) -> list[Path]:
    """The folder and those above it that are not there, the innermost first."""
    return [place for place in (folder, *folder.parents) if not place.exists()]


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove the folders that are empty; the others, and what is not there, stay as they are."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def sync(path: Path) -> None:
    """Ask the system to put a file or a folder on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # folders on some network file systems
            raise
    finally:
        os.close(handle)


def output_error(error: OSError, target: Path) -> OutputError:
    """Say in one line why `target` could not be written."""
    causes = {
        errno.ENOSPC: "no room left on the disk; free some and run again",
        errno.EDQUOT: "the disk quota is used up; free some room and run again",
        errno.EFBIG: "the file grew past the size limit of the system",
        errno.EACCES: "no permission to write here",
        errno.EPERM: "no permission to write here",
        errno.EROFS: "the file system is read-only",
        errno.EISDIR: "is a folder; name a file",
        errno.ENOTDIR: "a part of this path is a file, not a folder",
        errno.EEXIST: "a part of this path is a file, not a folder",
        errno.ENAMETOOLONG: "the file name is too long",
    }
    return OutputError(f"cannot be written: {causes.get(error.errno, error.strerror or error)}", path=target)


def sweep(folder: Path) -> int:
    """Remove the temporaries that dead processes of this machine left in `folder`; return how many."""
    count = 0
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return 0
    for entry in entries:
        match = _LEFTOVER.match(entry.name)
        if match and match["host"] == _HOST and not _alive(int(match["process"])):
            Path(entry.path).unlink(missing_ok=True)
            count += 1
    return count


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

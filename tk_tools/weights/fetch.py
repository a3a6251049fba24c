"""Download a published weight file: resumed where it broke off, checked before it appears under its name.

A hidden NAME.part named by the address collects the bytes and is locked, so that two runs at once do one download. The
file takes its name only when size and digest are right. Proxies are those of the environment.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import http.client
import os
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import tk_tools
from tk_tools.errors import InputError, WeightsError
from tk_tools.files.atomic import output_error, sync
from tk_tools.weights.find import fetch_folder, how_to_get
from tk_tools.weights.forms import refuse_text
from tk_tools.weights.table import Published

_BLOCK = 1 << 20  # bytes between two reports

Report = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Patience:
    """timeout: seconds without a byte; attempts: in a row without progress; pause: seconds after one, then doubled."""

    timeout: float = 30.0
    attempts: int = 4
    pause: float = 1.0


@dataclass(frozen=True)
class _Part:
    """The bytes got so far: their path, and the open, locked file."""

    path: Path
    file: BinaryIO

    @property
    def size(self) -> int:
        return self.file.seek(0, os.SEEK_END)

    @property
    def etag(self) -> Path:
        """The server's ETag, so that a file that changed there is not pasted onto the old beginning."""
        return self.path.with_name(f"{self.path.name}.etag")

    def remove(self) -> None:
        """Leave nothing behind."""
        self.path.unlink(missing_ok=True)
        self.etag.unlink(missing_ok=True)


class _Refused(Exception):
    """This address does not give the file; another one may."""


class _Broken(Exception):
    """The connection failed; trying again may help."""


def fetch(
    entry: Published,
    folder: Path | None = None,
    *,
    force: bool = False,
    report: Report = lambda done, total: None,
    patience: Patience = Patience(),
) -> Path:
    """Get a published file into `folder` (default: `fetch_folder()`) and return its path.

    A whole file that is there already is kept; `force` fetches it again. `report` is called with (bytes so far, bytes
    in all or None). WeightsError: for people alone, unreachable, or another file; the message says what to do.
    """
    folder = folder or fetch_folder()
    target = folder / entry.file
    if not entry.addresses:
        raise WeightsError(f"{entry.name}: {how_to_get(entry, folder)}")
    if target.exists() and not force:
        return _kept(entry, target)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        faults = []
        for address in entry.addresses:
            try:
                return _fetch_from(address, entry, target, force, report, patience)
            except (_Refused, _Broken) as fault:
                faults.append(f"{address} {fault}")
    except OSError as error:
        raise output_error(error, target) from error
    raise WeightsError(
        f"{entry.name} could not be fetched: {'; '.join(faults)}; with a browser or on another machine, "
        f"download {entry.file} from one of these addresses and put it at {target}"
    )


def check_file(entry: Published, path: Path) -> None:
    """WeightsError: the file's size or digest is not the published one. What is not known is not checked."""
    size = path.stat().st_size
    if entry.size is not None and size != entry.size:
        raise WeightsError(f"has {size} bytes, the published {entry.name} has {entry.size}", path=path)
    if entry.sha256 is not None:
        digest = sha256(path)
        if not digest.startswith(entry.sha256):
            raise WeightsError(
                f"is not the published {entry.name}: sha256 {digest[:16]}..., not {entry.sha256[:16]}...", path=path
            )


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex. InputError: it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from error


def _kept(entry: Published, target: Path) -> Path:
    try:
        check_file(entry, target)
    except WeightsError as error:
        raise WeightsError(f"{error.message}; move it away, or replace it with --force", path=target) from error
    return target


def _fetch_from(address: str, entry: Published, target: Path, force: bool, report: Report, patience: Patience) -> Path:
    path = _part_path(address, target)
    with _locked(path) as part:
        if target.exists() and not force:  # another run finished it while this one waited
            path.unlink()
            return _kept(entry, target)
        try:
            _download(address, entry, part, report, patience)
            _check_content(path)
            check_file(entry, path)
        except (_Refused, WeightsError) as error:
            part.remove()
            raise _Refused(error.message if isinstance(error, WeightsError) else str(error)) from error
        except _Broken:
            if part.size == 0:
                part.remove()
            raise
        os.replace(path, target)
        part.remove()
        sync(target.parent)
    for other in entry.addresses:
        _sweep(_part_path(other, target))
    return target


def _part_path(address: str, target: Path) -> Path:
    return target.with_name(f".{target.name}.{hashlib.sha256(address.encode()).hexdigest()[:12]}.part")


def _sweep(path: Path) -> None:
    """Remove what another address began, unless another run is at it."""
    if path.exists():
        with open(path, "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            _Part(path, file).remove()


@contextmanager
def _locked(path: Path) -> Iterator[_Part]:
    """The part, open and locked; a second run waits here until the first is done."""
    while True:
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_still_at(path, file):
                yield _Part(path, file)
                return


def _is_still_at(path: Path, file: BinaryIO) -> bool:
    """Whether an open file has kept its name; a run that finished while this one waited took it away."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _download(address: str, entry: Published, part: _Part, report: Report, patience: Patience) -> None:
    """Fill the part to its end, over as many connections as it takes."""
    failures = 0
    while True:
        before = part.size
        try:
            _one_connection(address, entry, part, report, patience.timeout)
            part.file.flush()
            os.fsync(part.file.fileno())
            return
        except _Broken:
            failures = 1 if part.size > before else failures + 1
            if failures >= patience.attempts:
                raise
            time.sleep(patience.pause * 2 ** (failures - 1))


def _one_connection(address: str, entry: Published, part: _Part, report: Report, timeout: float) -> None:
    have = part.size
    headers = {"User-Agent": f"tk-tools/{tk_tools.__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if part.etag.exists():
            headers["If-Range"] = part.etag.read_text(encoding="ascii")
    try:
        opener = urllib.request.build_opener()  # with the proxies of the environment as it is now
        answer = opener.open(urllib.request.Request(address, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416 and _whole_size(error.headers) == have:
                return
            if error.code == 416:
                part.file.truncate(0)
                raise _Broken("has another length than before") from error
            retry = error.code in (408, 425, 429) or error.code >= 500
            raise (_Broken if retry else _Refused)(f"answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(f"cannot be reached ({_reason(error)})") from error
    with answer:
        if "html" in answer.headers.get("Content-Type", ""):
            raise _Refused("answers with a web page instead of the file")
        start, total = _range_of(answer)
        if entry.size is not None and total is not None and total != entry.size:
            raise _Refused(f"offers {total} bytes, the published file has {entry.size}")
        if start not in (0, have):
            raise _Refused("sends another range than asked for")
        part.file.truncate(start)
        part.file.seek(start)
        _note_etag(answer, part)
        if total is not None and total - start > shutil.disk_usage(part.path.parent).free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done = start
        for block in _blocks(answer):
            part.file.write(block)
            done += len(block)
            report(done, total)
        if total is not None and done < total:
            raise _Broken(f"broke off after {done} of {total} bytes")


def _blocks(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    while True:
        try:
            block = answer.read(_BLOCK)
        except (OSError, http.client.HTTPException) as error:
            raise _Broken(f"broke off ({_reason(error)})") from error
        if not block:
            return
        yield block


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", error)
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


def _range_of(answer: http.client.HTTPResponse) -> tuple[int, int | None]:
    """(first byte of the answer, length of the whole file or None)."""
    if answer.status == 206:
        match = re.match(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        if match is None:
            raise _Refused("does not say which range it sends")
        return int(match[1]), None if match[2] == "*" else int(match[2])
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


def _whole_size(headers) -> int | None:
    match = re.match(r"bytes \*/(\d+)", headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def _note_etag(answer: http.client.HTTPResponse, part: _Part) -> None:
    tag = answer.headers.get("ETag", "")
    if tag.isascii() and tag.startswith('"'):  # a weak one (W/"...") does not vouch for every byte
        part.etag.write_text(tag, encoding="ascii")
    else:
        part.etag.unlink(missing_ok=True)


def _check_content(path: Path) -> None:
    """WeightsError: a web page or a pointer instead of weights, whatever the server called it."""
    with open(path, "rb") as file:
        refuse_text(file.read(2048), path)

"""A form with files, read as a stream straight to the disk: no more than a block of it is ever in memory. A field
that a model takes a text in is put into a file as well.

What a client calls its files is never part of a path: each gets the name of its field, and one of the known suffixes.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from tk_tools.models import Upload
from tk_tools.serve.options import MB
from tk_tools.serve.refusal import Refused

_SILENCE = 30  # seconds without a byte after which a client is taken for gone
_LONGEST = 1800  # seconds that one request may take to arrive
_TEXT = 16_384  # bytes of all fields that are no files
_PARTS = 40


@dataclass
class Form:
    """What was sent: files by their field; texts of the other fields; fields that hold a file without a name, and those
    that are for a file and hold a text."""

    files: dict[str, Path] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    unnamed: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)


def form_boundary(request: Request) -> bytes | None:
    """What lies between the parts of a form that can hold files; None where there is no such form."""
    kind, parameters = parse_options_header(request.headers.get("content-type"))
    return parameters.get(b"boundary") or None if kind == b"multipart/form-data" else None


async def receive_form(request: Request, folder: Path, uploads: tuple[Upload, ...], limit: int) -> Form:
    """Read a form whose files go into `folder`. Refused: 408, 413, 415 or 422; the caller removes the folder."""
    boundary = form_boundary(request)
    if boundary is None:
        raise Refused(415, "send a form of the type multipart/form-data")
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    reader = _Reader(folder, uploads)
    try:
        parser = MultipartParser(boundary, reader.callbacks())
        await _feed(request, parser, limit)
        parser.finalize()
    except FormParserError as error:
        raise Refused(422, f"the form cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise Refused(422, "the form cannot be read: a field is not UTF-8") from error
    finally:
        reader.close()
    if not reader.ended:
        raise Refused(422, "the form cannot be read: it ends before its last boundary")
    return reader.form


async def _feed(request: Request, parser: MultipartParser, limit: int) -> None:
    count, end, more = 0, time.monotonic() + _LONGEST, True
    while more:
        try:
            async with asyncio.timeout(min(_SILENCE, max(0.0, end - time.monotonic()))):
                message = await request.receive()
        except TimeoutError:
            raise Refused(408, "the upload came to a stop, or takes too long") from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        more = message.get("more_body", False)
        request.state.body_read = not more
        count += len(message.get("body", b""))
        if count > limit:
            raise _too_large(limit)
        parser.write(message.get("body", b""))


def _too_large(limit: int) -> Refused:
    return Refused(413, f"that is too large: {limit / MB:g} MB is the most here")


class _Reader:
    """Takes the parts of a form as the parser finds them."""

    def __init__(self, folder: Path, uploads: tuple[Upload, ...]):
        self._folder = folder
        self._uploads = {upload.field: upload for upload in uploads}
        self.form, self.ended = Form(), False
        self._parts = self._text_bytes = 0
        self._begin()

    def callbacks(self) -> dict:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header,
            "on_headers_finished": self._open,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _begin(self) -> None:
        self._name, self._value = bytearray(), bytearray()
        self._disposition = b""
        self._field, self._file, self._text = "", None, None

    def _header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._name, self._value = bytearray(), bytearray()

    def _open(self) -> None:
        self._parts += 1
        if self._parts > _PARTS:
            raise Refused(422, f"the form has more than {_PARTS} parts")
        _, parameters = parse_options_header(self._disposition)
        self._field = parameters.get(b"name", b"").decode()
        client_name = parameters.get(b"filename")
        upload = self._uploads.get(self._field)
        if self._field in self.form.files or self._field in self.form.texts:
            raise Refused(422, f"the field {self._field} is sent twice")
        if client_name is None and upload is None:
            self._text = bytearray()
        elif client_name is None and upload.holds == "text":
            self._keep(upload, "")
        elif client_name is None:
            self.form.written.add(self._field)
        elif not client_name:
            self.form.unnamed.add(self._field)  # as browsers send a file that nobody chose
        elif upload is None:
            known = " and ".join(self._uploads)
            raise Refused(422, f"no file is taken in a field of that name; files are {known}")
        else:
            self._keep(upload, _suffix(client_name, upload.reads))

    def _keep(self, upload: Upload, suffix: str) -> None:
        path = self._folder / (upload.field + suffix)
        self._file = open(path, "xb")  # noqa: SIM115 - closed when the part ends
        self.form.files[upload.field] = path

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file.write(memoryview(data)[start:end])
        elif self._text is not None:
            self._text_bytes += end - start
            if self._text_bytes > _TEXT:
                raise Refused(422, "the fields that are no files are too long")
            self._text.extend(data[start:end])

    def _end(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        elif self._text is not None:
            self.form.texts[self._field] = self._text.decode()

    def _finish(self) -> None:
        self.ended = True


def _suffix(client_name: bytes, known: tuple[str, ...]) -> str:
    """The suffix of a client's file name if it is one of the known ones; what it holds decides, not this."""
    lower = client_name.decode(errors="replace").lower()
    return next((suffix for suffix in known if lower.endswith(suffix)), "")

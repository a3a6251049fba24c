"""From a request to a job in the queue: its form is read, its fields are checked, files and options are looked at."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi import Request

from tk_tools.errors import InputError
from tk_tools.models import Upload
from tk_tools.serve import callback
from tk_tools.serve.dispatcher import Dispatcher
from tk_tools.serve.offer import Offer
from tk_tools.serve.options import ServeOptions
from tk_tools.serve.refusal import Refused
from tk_tools.serve.store import Job, JobStore
from tk_tools.serve.uploads import Form, form_boundary, receive_form

NO_PART, NO_FILE = "No file part", "No selected file"
NO_AUDIO = "没有上传音频文件"  # what the original's faster server says: no audio file was sent
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Intake:
    """Takes requests in. Nothing stays of one that is refused or ends early."""

    def __init__(self, options: ServeOptions, offer: Offer, store: JobStore, dispatcher: Dispatcher):
        self._options, self._offer, self._store, self._dispatcher = options, offer, store, dispatcher

    async def take_job(self, request: Request) -> Job:
        """The job of a form with all its files, or a template's name. Refused: see receive_form; 422, 429, 503."""
        with self._dispatcher.place(), self._folder() as folder:
            form = await receive_form(request, folder, self._offer.uploads, self._options.upload_bytes)
            for field in form.written:
                raise Refused(422, f"the field {field} is to be a file (with curl: -F {field}=@FILE)")
            return await self._queue(form, folder)

    async def take_speech(self, request: Request, missing: str, unnamed: str) -> Job:
        """The job of a form with a speech in the field `file` or `audio`, by default for the first template.

        Refused: as take_job, and 400 with `missing` where there is no such field with a file, `unnamed` where the file
        has no name, as of a form in which none was chosen.
        """
        speech = self._offer.spoken_to
        fields = tuple(Upload(name, speech.title, speech.reads, speech.holds) for name in ("file", "audio"))
        if form_boundary(request) is None:
            raise Refused(400, missing)
        with self._dispatcher.place(), self._folder() as folder:
            form = await receive_form(request, folder, fields, self._options.upload_bytes)
            if not form.files:
                raise Refused(400, unnamed if form.unnamed else missing)
            form.files = {speech.field: next(iter(form.files.values()))}
            form.texts.setdefault("template", self._offer.templates[0])
            return await self._queue(form, folder)

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """A folder for what is sent, removed when it becomes no job."""
        folder = None
        try:
            folder = self._store.new_folder()
            yield folder
        except BaseException as error:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, InputError):
                raise Refused(422, error.message) from error
            if isinstance(error, sqlite3.OperationalError) or getattr(error, "errno", None) in _FULL:
                raise Refused(507, "there is no room for it on this server's disk") from error
            raise

    async def _queue(self, form: Form, folder: Path) -> Job:
        texts = dict(form.texts)
        template, address = texts.pop("template", "") or None, texts.pop("callback", "") or None
        if template is not None and self._offer.templated is None:
            raise InputError("no template is taken here, or not with these weights")
        files: dict[str, Any] = {field: path.name for field, path in form.files.items()}
        for upload in self._offer.uploads:
            if upload.template and template is not None:
                if upload.field in files:
                    raise InputError(f"{upload.field} is sent and a template is named; do one of them")
                files[upload.field] = self._template(template)
            elif upload.field not in files:
                names = ", ".join(self._offer.templates)
                instead = f"; or a template's name in the field template ({names})" if upload.template and names else ""
                what = "a text, or a file of one" if upload.holds == "text" else f"a file with {upload.holds}"
                raise InputError(f"the field {upload.field} is missing: {what}{instead}")
        given = self._offer.check_options({name: text for name, text in texts.items() if text})
        announced = {}
        if address is not None:
            checked = callback.check_address(address, self._options.callback_hosts)
            announced = {"callback": checked, "calls": callback.TRIES}
        seconds = await self._dispatcher.look_at(form.files, given)
        return self._dispatcher.add(folder, files, given, seconds, **announced)

    def _template(self, name: str) -> dict[str, str]:
        if name not in self._offer.templates:
            raise InputError(f"there is no such template; there are: {', '.join(self._offer.templates) or 'none'}")
        return {"template": name}

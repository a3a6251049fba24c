"""The routes: jobs, the original's synchronous ones, health, metrics and the pages."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from tk_tools import __version__
from tk_tools.errors import InputError
from tk_tools.models import Upload
from tk_tools.serve import callback
from tk_tools.serve.dispatcher import Dispatcher
from tk_tools.serve.metrics import MEDIA_TYPE
from tk_tools.serve.offer import Offer
from tk_tools.serve.options import ServeOptions
from tk_tools.serve.pages import ASSETS, POLICY, asset
from tk_tools.serve.refusal import Refusal, Refused
from tk_tools.serve.store import DONE, ENDED, Job, JobStore
from tk_tools.serve.uploads import Form, receive_form
from tk_tools.serve.views import JobList, JobView, Problem

NO_PART, NO_FILE, NO_VIDEO = "No file part", "No selected file", "Video not found"
NO_AUDIO = "没有上传音频文件"  # what the original's faster server says: no audio file was sent
OPEN_PATHS = frozenset({"/healthz", *ASSETS})  # they ask for no token
_TICK = 0.1  # seconds between two looks at a job that a client waits for
_NO_STORE = {"cache-control": "no-store"}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "the bearer token is missing or wrong"},
    404: {"model": Problem, "description": "no such job, or it has expired"},
}
_UPLOAD_PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: _PROBLEMS[401],
    408: {"model": Problem, "description": "the upload came to a stop"},
    413: {"model": Problem, "description": "the upload is too large"},
    415: {"model": Problem, "description": "not a form of the type multipart/form-data"},
    422: {"model": Problem, "description": "a field or a file cannot be used, in words"},
    429: {"model": Problem, "description": "the queue is full; see Retry-After"},
    503: {"model": Problem, "description": "the service is being stopped"},
    507: {"model": Problem, "description": "no room on the server's disk"},
}


def make_app(options: ServeOptions, offer: Offer, store: JobStore, dispatcher: Dispatcher) -> FastAPI:
    """The routes of a service; open to everyone as they stand (see access)."""
    app = FastAPI(
        title=f"tk-serve {offer.model}",
        version=__version__,
        description=offer.summary,
        docs_url=None,  # they would load scripts from other hosts
        redoc_url=None,
        exception_handlers={
            Refused: lambda request, error: Refusal(error),
            HTTPException: lambda request, error: Refusal(Refused(error.status_code, str(error.detail), error.headers)),
            RequestValidationError: lambda request, error: Refusal(Refused(422, _first_fault(error))),
            ClientDisconnect: lambda request, error: Response(status_code=400),  # nobody is there to read it
        },
    )
    _add_jobs(app, options, offer, store, dispatcher)
    _add_synchronous(app, options, offer, store, dispatcher)
    _add_about(app, options, offer, dispatcher)
    return app


def _first_fault(error: RequestValidationError) -> str:
    first = error.errors()[0]
    return f"{first['loc'][-1]}: {first['msg']}"


def _add_jobs(app: FastAPI, options: ServeOptions, offer: Offer, store: JobStore, dispatcher: Dispatcher) -> None:
    def find(identity: str) -> Job:
        job = store.get(identity)
        if job is None:
            raise Refused(404, "there is no such job; results expire")
        return job

    @app.post(
        "/jobs",
        status_code=202,
        response_model=JobView,
        response_description="the job is queued",
        responses=_UPLOAD_PROBLEMS,
        openapi_extra={"requestBody": _form_schema(offer)},
    )
    async def queue_a_job(request: Request) -> JSONResponse:
        """Send the files of one result; it is made when its turn comes."""
        with dispatcher.place():
            job = await _take_in(request, options, offer, store, dispatcher, template_needed=True)
        place = {"location": f"/jobs/{job.id}"}
        return JSONResponse(dispatcher.view(job).model_dump(), 202, headers=_NO_STORE | place)

    @app.get(
        "/jobs",
        response_model=JobList,
        response_description="a page of jobs, and where the next one begins",
        responses={401: _PROBLEMS[401]},
    )
    async def list_jobs(
        count: Annotated[int, Query(ge=1, le=100, description="so many, at most 100")] = 20,
        before: Annotated[int | None, Query(ge=1, lt=1 << 62, description="`next` of the page before")] = None,
    ) -> JSONResponse:
        """The newest jobs first, a page at a time."""
        jobs = store.page(count, before)
        following = jobs[-1].number if len(jobs) == count else None
        views = [dispatcher.view(job).model_dump() for job in jobs]
        return JSONResponse({"jobs": views, "next": following}, headers=_NO_STORE)

    @app.get("/jobs/{identity}", response_model=JobView, response_description="the job", responses=_PROBLEMS)
    async def look_at_a_job(identity: str) -> JSONResponse:
        """Where a job stands."""
        return JSONResponse(dispatcher.view(find(identity)).model_dump(), headers=_NO_STORE)

    @app.get(
        "/jobs/{identity}/result",
        response_class=FileResponse,
        responses=_PROBLEMS
        | {
            200: {"content": {offer.media_type: {}}, "description": "the result; ranges of bytes can be asked for"},
            409: {"model": Problem, "description": "the job is not done"},
        },
    )
    async def get_the_result(identity: str) -> FileResponse:
        """What was made."""
        job = find(identity)
        if job.state != DONE:
            raise Refused(409, f"there is no result: the job is {job.state}" + (f": {job.error}" if job.error else ""))
        return _result(offer, store, job)

    @app.delete(
        "/jobs/{identity}",
        response_model=JobView,
        response_description="the job, which is cancelled",
        responses=_PROBLEMS | {204: {"description": "the job had ended: it and its result are removed"}},
    )
    async def cancel_a_job(identity: str) -> Response:
        """Cancel a job; remove one that has ended, with its result."""
        job = find(identity)
        if job.state in ENDED:
            store.remove(job)
            return Response(status_code=204)
        return JSONResponse(dispatcher.view(await dispatcher.cancel(job)).model_dump(), headers=_NO_STORE)


def _add_synchronous(
    app: FastAPI, options: ServeOptions, offer: Offer, store: JobStore, dispatcher: Dispatcher
) -> None:
    """The routes of the original's servers: a speech in, the first template's video back."""
    upload = offer.spoken_to
    if upload is None:
        return

    async def answer(request: Request, missing: str, unnamed: str, attached: bool) -> Response:
        fields = tuple(Upload(name, upload.title, upload.reads, upload.holds) for name in ("file", "audio"))
        with dispatcher.place():
            job = await _take_in(
                request, options, offer, store, dispatcher, fields=fields, missing=missing, unnamed=unnamed
            )
        try:
            while (found := store.get(job.id)) is not None and found.state not in ENDED:
                if dispatcher.stopping:
                    raise Refused(503, "the service is being stopped", plain=True)
                if await request.is_disconnected():
                    raise ClientDisconnect
                await asyncio.sleep(_TICK)
            if found is None or found.state != DONE:
                raise Refused(404, NO_VIDEO, plain=True)
            return _result(offer, store, found, attached=attached, background=BackgroundTask(store.remove, found))
        except BaseException:
            if not dispatcher.stopping:
                await dispatcher.cancel(job)
            store.remove(job)
            raise

    extra = {"requestBody": _speech_schema()}
    documented: dict[str, Any] = {
        "responses": _UPLOAD_PROBLEMS
        | {
            200: {"content": {offer.media_type: {}}, "description": "the result"},
            400: {"content": {"text/plain": {}}, "description": "no file was sent"},
            404: {"content": {"text/plain": {}}, "description": f"{NO_VIDEO}: it could not be made"},
        },
        "openapi_extra": extra,
        "response_class": FileResponse,
    }

    @app.post("/upload-audio", **documented)
    async def upload_audio(request: Request) -> Response:
        """As server_LawDNet.py of the original: the field `file`; the result as an attachment."""
        return await answer(request, NO_PART, NO_FILE, attached=True)

    @app.post("/generate_video", **documented)
    async def generate_video(request: Request) -> Response:
        """As server_faster.py of the original: the field `audio`."""
        return await answer(request, NO_AUDIO, NO_AUDIO, attached=False)

    @app.post("/generate-video", **documented, operation_id="generate_video_with_sound")
    async def generate_video_with_sound(request: Request) -> Response:
        """As http_serve.py of the original: the field `audio`."""
        return await answer(request, NO_AUDIO, NO_AUDIO, attached=False)


def _add_about(app: FastAPI, options: ServeOptions, offer: Offer, dispatcher: Dispatcher) -> None:
    @app.get("/service", response_description="facts of the service", responses={401: _PROBLEMS[401]})
    async def describe_the_service() -> JSONResponse:
        """What it takes: files, templates, options and limits."""
        limits = {
            "upload_bytes": options.upload_bytes,
            "upload_seconds": options.upload_seconds,
            "job_seconds": options.job_seconds,
            "queue": options.queue,
            "keep_hours": options.keep_hours,
        }
        facts = offer.describe() | {"limits": limits, "callbacks": bool(options.callback_hosts)}
        return JSONResponse(facts | {"version": __version__}, headers=_NO_STORE)

    @app.get(
        "/healthz",
        response_description="it can work",
        responses={503: {"description": "a worker cannot load its model any more"}},
    )
    async def is_it_well() -> JSONResponse:
        """200 while it can work, 503 when a worker cannot load its model."""
        failing = dispatcher.failing
        return JSONResponse({"status": "failing" if failing else "ok"}, 503 if failing else 200, headers=_NO_STORE)

    @app.get("/metrics", response_class=PlainTextResponse, response_description="the numbers")
    async def metrics() -> Response:
        """Numbers for Prometheus."""
        return Response(dispatcher.metrics.text(), media_type=MEDIA_TYPE)

    async def page(request: Request) -> Response:
        content, media_type = asset(request.url.path)
        headers = {"content-security-policy": POLICY, "cache-control": "no-cache"}
        return Response(content, media_type=media_type, headers=headers)

    for path in ASSETS:
        app.add_api_route(path, page, methods=["GET"], include_in_schema=False)


async def _take_in(
    request: Request,
    options: ServeOptions,
    offer: Offer,
    store: JobStore,
    dispatcher: Dispatcher,
    *,
    template_needed: bool = False,
    fields: tuple[Upload, ...] | None = None,
    missing: str = "",
    unnamed: str = "",
) -> Job:
    """Read the form of a request and queue its job; nothing stays of a request that is refused or ends early.

    fields: those of a synchronous route, which all stand for the one file that is not a template; missing, unnamed:
    what is said where none is sent, or one without a name.
    """
    folder = store.new_folder()
    try:
        form = await receive_form(request, folder, fields or offer.uploads, options.upload_bytes)
        if fields is not None:
            _as_one(form, offer, missing, unnamed)
        try:
            return await _queue(form, folder, options, offer, dispatcher, template_needed)
        except InputError as error:
            raise Refused(422, error.message, plain=fields is not None) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _as_one(form: Form, offer: Offer, missing: str, unnamed: str) -> None:
    """The one file of a synchronous route, whatever its field. Refused: 400, there is none."""
    if not form.files:
        raise Refused(400, unnamed if form.unnamed else missing, plain=True)
    path = next(iter(form.files.values()))
    form.files = {offer.spoken_to.field: path}


async def _queue(
    form: Form, folder: Path, options: ServeOptions, offer: Offer, dispatcher: Dispatcher, template_needed: bool
) -> Job:
    texts = dict(form.texts)
    template, address = texts.pop("template", None) or None, texts.pop("callback", None) or None
    files: dict[str, Any] = {field: path.name for field, path in form.files.items()}
    for upload in offer.uploads:
        if upload.field in files:
            if upload is offer.templated and template:
                raise InputError(f"{upload.field} is sent and a template is named; do one of them")
        elif upload is not offer.templated:
            raise InputError(f"the field {upload.field} is missing: a file with {upload.holds}")
        elif template is None and template_needed:
            instead = f"; or a template's name in the field template ({', '.join(offer.templates)})"
            ways = instead if offer.templates else ""
            raise InputError(f"the field {upload.field} is missing: a file with {upload.holds}{ways}")
        else:
            name = template or offer.templates[0]
            if name not in offer.templates:
                raise InputError(f"there is no such template; there are: {', '.join(offer.templates) or 'none'}")
            files[upload.field] = {"template": name}
    given = offer.check_options({name: text for name, text in texts.items() if text})
    seconds = await dispatcher.look_at({field: folder / name for field, name in files.items() if isinstance(name, str)})
    announced = {}
    if address is not None:
        announced = {"callback": callback.check_address(address, options.callback_hosts), "calls": callback.TRIES}
    return dispatcher.add(folder, files, given, seconds, **announced)


def _result(
    offer: Offer, store: JobStore, job: Job, *, attached: bool = True, background: BackgroundTask | None = None
) -> FileResponse:
    return FileResponse(
        store.folder(job) / f"result{offer.suffix}",
        media_type=offer.media_type,
        filename=f"{offer.model}-{job.id[:8]}{offer.suffix}",
        content_disposition_type="attachment" if attached else "inline",
        headers=_NO_STORE,
        background=background,
    )


def _form_schema(offer: Offer) -> dict[str, Any]:
    """The form of POST /jobs, for OpenAPI."""
    fields: dict[str, Any] = {
        upload.field: {
            "type": "string",
            "format": "binary",
            "description": f"{upload.title}: {' '.join(upload.reads)}",
        }
        for upload in offer.uploads
    }
    if offer.templated is not None:
        fields["template"] = {"type": "string", "description": f"instead of {offer.templated.field}"}
    fields["callback"] = {"type": "string", "description": "where the job is announced when it has ended"}
    for one in offer.describe()["options"]:
        fields[one["name"]] = {"type": "string", "description": one["help"]}
    needed = [upload.field for upload in offer.uploads if not upload.template]
    schema = {"type": "object", "properties": fields, "required": needed}
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


def _speech_schema() -> dict[str, Any]:
    """The form of a synchronous route, for OpenAPI."""
    file = {"type": "string", "format": "binary", "description": "the speech, in either field"}
    schema = {"type": "object", "properties": {"file": file, "audio": file}}
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}

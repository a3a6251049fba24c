"""The routes of a service: jobs, what it is, health, metrics and the pages; synchronous.py has the original's own."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from tk_tools import __version__
from tk_tools.serve.dispatcher import Dispatcher
from tk_tools.serve.documented import A_JOB, AN_UPLOAD, TOKEN, job_form
from tk_tools.serve.intake import Intake
from tk_tools.serve.metrics import MEDIA_TYPE
from tk_tools.serve.offer import Offer
from tk_tools.serve.options import ServeOptions
from tk_tools.serve.pages import ASSETS, POLICY, asset
from tk_tools.serve.refusal import Refusal, Refused
from tk_tools.serve.results import result_file
from tk_tools.serve.store import DONE, ENDED, Job, JobStore
from tk_tools.serve.synchronous import add_synchronous_routes
from tk_tools.serve.views import JobList, JobView, Problem

OPEN_PATHS = frozenset({"/healthz", *ASSETS})  # they ask for no token
_NO_STORE = {"cache-control": "no-store"}


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
    intake = Intake(options, offer, store, dispatcher)
    _add_jobs(app, offer, store, dispatcher, intake)
    add_synchronous_routes(app, offer, store, dispatcher, intake)
    _add_about(app, options, offer, store, dispatcher)
    return app


def _first_fault(error: RequestValidationError) -> str:
    first = error.errors()[0]
    return f"{first['loc'][-1]}: {first['msg']}"


def _add_jobs(app: FastAPI, offer: Offer, store: JobStore, dispatcher: Dispatcher, intake: Intake) -> None:
    def find(identity: str) -> Job:
        job = store.get(identity)
        if job is None:
            raise Refused(404, "there is no such job; results expire")
        return job

    def answer(job: Job, status: int = 200, **headers: str) -> JSONResponse:
        return JSONResponse(dispatcher.view(job).model_dump(), status, headers=_NO_STORE | headers)

    @app.post(
        "/jobs",
        status_code=202,
        response_model=JobView,
        response_description="the job is queued",
        responses=AN_UPLOAD,
        openapi_extra=job_form(offer),
    )
    async def queue_a_job(request: Request) -> JSONResponse:
        """Send the files of one result, or its text; it is made when its turn comes."""
        job = await intake.take_job(request)
        return answer(job, 202, location=f"/jobs/{job.id}")

    @app.get(
        "/jobs",
        response_model=JobList,
        response_description="a page of jobs, and where the next one begins",
        responses=TOKEN,
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

    @app.get("/jobs/{identity}", response_model=JobView, response_description="the job", responses=A_JOB)
    async def look_at_a_job(identity: str) -> JSONResponse:
        """Where a job stands."""
        return answer(find(identity))

    @app.get(
        "/jobs/{identity}/result",
        response_class=FileResponse,
        responses=A_JOB
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
        return result_file(offer, store, job)

    @app.delete(
        "/jobs/{identity}",
        response_model=JobView,
        response_description="the job, which is cancelled",
        responses=A_JOB | {204: {"description": "the job had ended: it and its result are removed"}},
    )
    async def cancel_a_job(identity: str) -> Response:
        """Cancel a job; remove one that has ended, with its result."""
        job = find(identity)
        if job.state in ENDED:
            store.remove(job)
            return Response(status_code=204)
        return answer(await dispatcher.cancel(job))


def _add_about(app: FastAPI, options: ServeOptions, offer: Offer, store: JobStore, dispatcher: Dispatcher) -> None:
    @app.get("/service", response_description="facts of the service", responses=TOKEN)
    async def describe_the_service() -> JSONResponse:
        """What it takes: files, templates, options and limits."""
        limits = {
            "upload_bytes": options.upload_bytes,
            "upload_seconds": options.upload_seconds,
            "characters": options.characters,
            "job_seconds": options.job_seconds,
            "queue": options.queue,
            "keep_hours": options.keep_hours,
        }
        facts = offer.describe() | {"limits": limits, "callbacks": bool(options.callback_hosts)}
        return JSONResponse(facts | {"version": __version__}, headers=_NO_STORE)

    @app.get(
        "/healthz",
        response_description="it can work",
        responses={503: {"description": "a worker cannot go on, or the disk has no room for the largest upload"}},
    )
    async def is_it_well() -> JSONResponse:
        """200 while it can work, 503 when a worker cannot or the disk has no room for the largest upload."""
        failing = dispatcher.failing or store.room() < options.upload_bytes
        return JSONResponse({"status": "failing" if failing else "ok"}, 503 if failing else 200, headers=_NO_STORE)

    @app.get("/metrics", response_class=PlainTextResponse, response_description="the numbers", responses=TOKEN)
    async def metrics() -> Response:
        """Numbers for Prometheus."""
        return Response(dispatcher.metrics.text(), media_type=MEDIA_TYPE)

    async def page(request: Request) -> Response:
        content, media_type = asset(request.scope["path"])
        headers = {"content-security-policy": POLICY, "cache-control": "no-cache"}
        return Response(content, media_type=media_type, headers=headers)

    for path in ASSETS:
        app.add_api_route(path, page, methods=["GET"], include_in_schema=False)

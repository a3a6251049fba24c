"""The routes of LawDNet's own servers: a speech in, the first template's video back. Source: Exp-of-Junli of
iPaw-AI-LAB/LawDNet_2024, server_LawDNet.py, server_faster.py and http_serve.py, with their codes and words."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect

from tk_tools.serve.dispatcher import Dispatcher
from tk_tools.serve.documented import AN_UPLOAD, TOKEN, speech_form
from tk_tools.serve.intake import NO_AUDIO, NO_FILE, NO_PART, Intake
from tk_tools.serve.offer import Offer
from tk_tools.serve.refusal import Refused
from tk_tools.serve.results import result_file
from tk_tools.serve.store import DONE, ENDED, Job, JobStore

NO_VIDEO = "Video not found"
_TICK = 0.1  # seconds between two looks at a job that a client waits for


def add_synchronous_routes(app: FastAPI, offer: Offer, store: JobStore, dispatcher: Dispatcher, intake: Intake) -> None:
    """Add them; a model that takes more than a speech beside its template has none of them."""
    if offer.spoken_to is None:
        return

    async def ended(request: Request, job: Job) -> Job | None:
        while (found := store.get(job.id)) is not None and found.state not in ENDED:
            if dispatcher.stopping:
                raise Refused(503, "the service is being stopped")
            if await request.is_disconnected():
                raise ClientDisconnect
            await asyncio.sleep(_TICK)
        return found

    async def answer(request: Request, missing: str, unnamed: str, attached: bool) -> FileResponse:
        try:
            return await made(request, missing, unnamed, attached)
        except Refused as refused:
            refused.plain = True
            raise

    async def made(request: Request, missing: str, unnamed: str, attached: bool) -> FileResponse:
        job = await intake.take_speech(request, missing, unnamed)
        try:
            found = await ended(request, job)
            if found is None or found.state != DONE:
                raise Refused(404, NO_VIDEO)

            async def remove() -> None:  # here, and not in a thread: the store has one connection
                store.remove(found)

            return result_file(offer, store, found, attached=attached, background=BackgroundTask(remove))
        except BaseException:
            await dispatcher.cancel(job)
            store.remove(job)
            raise

    refused = {status: facts["description"] for status, facts in AN_UPLOAD.items() if status not in (401, 415)}
    refused |= {400: "no file was sent", 404: f"{NO_VIDEO}: it could not be made"}
    documented: dict[str, Any] = {
        "responses": TOKEN
        | {200: {"content": {offer.media_type: {}}, "description": "the result"}}
        | {status: {"content": {"text/plain": {}}, "description": said} for status, said in refused.items()},
        "openapi_extra": speech_form(),
        "response_class": FileResponse,
    }

    @app.post("/upload-audio", **documented)
    async def upload_audio(request: Request) -> FileResponse:
        """As server_LawDNet.py of the original: the field `file`; the result as an attachment."""
        return await answer(request, NO_PART, NO_FILE, attached=True)

    @app.post("/generate_video", **documented)
    async def generate_video(request: Request) -> FileResponse:
        """As server_faster.py of the original: the field `audio`."""
        return await answer(request, NO_AUDIO, NO_AUDIO, attached=False)

    @app.post("/generate-video", **documented, operation_id="generate_video_with_sound")
    async def generate_video_with_sound(request: Request) -> FileResponse:
        """As http_serve.py of the original: the field `audio`."""
        return await answer(request, NO_AUDIO, NO_AUDIO, attached=False)

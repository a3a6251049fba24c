"""How a result is handed out: as a file, whole or in ranges of its bytes."""

from __future__ import annotations

from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from tk_tools.serve.offer import Offer
from tk_tools.serve.store import Job, JobStore


def result_file(
    offer: Offer, store: JobStore, job: Job, *, attached: bool = True, background: BackgroundTask | None = None
) -> FileResponse:
    """The result of a job that is done. attached: to be saved, not shown; background: done when it is sent."""
    return FileResponse(
        store.folder(job) / f"result{offer.suffix}",
        media_type=offer.media_type,
        filename=f"{offer.model}-{job.id[:8]}{offer.suffix}",
        content_disposition_type="attachment" if attached else "inline",
        headers={"cache-control": "no-store"},
        background=background,
    )

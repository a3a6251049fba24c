"""What clients are told: the shape of each JSON answer, which the service's OpenAPI page is made from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from tk_tools.serve.store import DONE, Job


class JobView(BaseModel):
    """A job as its client sees it."""

    id: str = Field(description="32 hexadecimal digits, not to be guessed")
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    progress: float = Field(ge=0, le=1, description="how much of the result is written")
    ahead: int = Field(ge=0, description="jobs that wait before this one")
    error: str = Field(description="why it failed, in words; else empty")
    created: str = Field(description="UTC, ISO 8601")
    started: str | None
    finished: str | None
    options: dict[str, str] = Field(description="those that the client set")
    template: str | None
    result: str | None = Field(description="where the result is, when it is done")
    facts: dict[str, Any] = Field(description="what is known of the result")


class JobList(BaseModel):
    """The newest jobs, a page of them."""

    jobs: list[JobView]
    next: int | None = Field(description="`before` of the next page; null at the end")


class Problem(BaseModel):
    """Why a request is not taken."""

    error: str


def view(job: Job, progress: float, ahead: int) -> JobView:
    """What a client is told of a job."""
    template = next((file["template"] for file in job.files.values() if isinstance(file, dict)), None)
    return JobView(
        id=job.id,
        state=job.state,
        progress=1.0 if job.state == DONE else progress,
        ahead=ahead,
        error=job.error,
        created=_iso(job.created),
        started=_iso(job.started),
        finished=_iso(job.finished),
        options=job.options,
        template=template,
        result=f"/jobs/{job.id}/result" if job.state == DONE else None,
        facts=job.facts,
    )


def _iso(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")

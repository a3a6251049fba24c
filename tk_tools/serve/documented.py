"""What OpenAPI says of the routes: the forms that they take, and the answers that are no success."""

from __future__ import annotations

from typing import Any

from tk_tools.serve.offer import Offer
from tk_tools.serve.views import Problem

Answers = dict[int | str, dict[str, Any]]

TOKEN: Answers = {401: {"model": Problem, "description": "the bearer token is missing or wrong"}}
A_JOB: Answers = TOKEN | {404: {"model": Problem, "description": "no such job, or it has expired"}}
AN_UPLOAD: Answers = TOKEN | {
    408: {"model": Problem, "description": "the upload came to a stop"},
    413: {"model": Problem, "description": "the upload is too large"},
    415: {"model": Problem, "description": "not a form of the type multipart/form-data"},
    422: {"model": Problem, "description": "a field or a file cannot be used, in words"},
    429: {"model": Problem, "description": "the queue is full; see Retry-After"},
    503: {"model": Problem, "description": "the service is being stopped"},
    507: {"model": Problem, "description": "no room on the server's disk"},
}


def job_form(offer: Offer) -> dict[str, Any]:
    """The form of POST /jobs."""
    fields: dict[str, Any] = {
        upload.field: _text(f"{upload.title}, itself or as a file of UTF-8: {' '.join(upload.reads)}")
        if upload.holds == "text"
        else _file(f"{upload.title}: {' '.join(upload.reads)}")
        for upload in offer.uploads
    }
    if offer.templated is not None:
        fields["template"] = _text(f"a name of {', '.join(offer.templates)}, instead of {offer.templated.field}")
    for option in offer.describe()["options"]:
        fields[option["name"]] = _text(option["help"])
    fields["callback"] = _text("where the job is announced when it has ended")
    return _form(fields, needed=[upload.field for upload in offer.uploads if not upload.template])


def speech_form() -> dict[str, Any]:
    """The form of the routes that take a speech alone."""
    return _form({name: _file("the speech, in either field") for name in ("file", "audio")}, needed=[])


def _file(description: str) -> dict[str, str]:
    return {"type": "string", "format": "binary", "description": description}


def _text(description: str | None) -> dict[str, str]:
    return {"type": "string", "description": description or ""}


def _form(fields: dict[str, Any], needed: list[str]) -> dict[str, Any]:
    schema = {"type": "object", "properties": fields, "required": needed}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}

"""What a client is told when its request is not taken: a status, one sentence, and time to hear it."""

from __future__ import annotations

import asyncio

from fastapi.responses import JSONResponse, PlainTextResponse, Response

_LINGER = 2  # seconds in which a client may still send what nobody reads, so that it gets to read the answer


class Refused(Exception):
    """A request is not taken. plain: whether the sentence alone is told, not as JSON."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None):
        super().__init__(message)
        self.status, self.message, self.headers, self.plain = status, message, headers or {}, False


class Refusal(Response):
    """The answer to a request that is refused; when it is still being sent, what comes is dropped for a moment.

    A connection that is closed at once would be torn down under the sender, which then never reads the answer.
    """

    def __init__(self, refused: Refused):
        headers = refused.headers | {"connection": "close"}
        if refused.plain:
            made: Response = PlainTextResponse(refused.message, refused.status, headers)
        else:
            made = JSONResponse({"error": refused.message}, refused.status, headers)
        self._made = made
        super().__init__(made.body, made.status_code)
        self.raw_headers = made.raw_headers

    async def __call__(self, scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] in ("GET", "HEAD", "DELETE") or scope.get("state", {}).get("body_read"):
            await send({"type": "http.response.body", "body": self.body})
            return
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        try:
            async with asyncio.timeout(_LINGER):
                while (await receive()).get("more_body"):
                    pass
        except TimeoutError:
            pass
        await send({"type": "http.response.body", "body": b""})

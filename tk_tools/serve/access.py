"""Who may ask: a bearer token, compared in constant time; without one, no page of another site in a user's browser.

Without a token the service must be addressed by a number or a name of this machine: a site could have its own name
point here, and its pages would then pass for the service's own.
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from urllib.parse import urlsplit

from fastapi import Request

from tk_tools.serve.refusal import Refusal, Refused

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)


class Access:
    """An ASGI layer around the whole service. open_paths: those that need no token."""

    def __init__(self, app, token: str | None, open_paths: frozenset[str]):
        self._app, self._open = app, open_paths
        self._token = None if token is None else token.encode()

    async def __call__(self, scope, receive, send) -> None:
        async def send_with_headers(message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        refused = self._refused(Request(scope))
        await (self._app if refused is None else Refusal(refused))(scope, receive, send_with_headers)

    def _refused(self, request: Request) -> Refused | None:
        if request.scope["path"] in self._open:  # not url.path, which some libraries make from the Host header
            return None
        if self._token is not None:
            kind, _, given = request.headers.get("authorization", "").partition(" ")
            if kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token):
                return None
            return Refused(401, "this service asks for a bearer token", {"www-authenticate": "Bearer"})
        if not _is_here(request.headers.get("host", "")):
            return Refused(403, "without a token this service is asked by its number or as localhost")
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            return Refused(403, "a page of another site may not use this service")
        return None


def _is_here(host: str) -> bool:
    """Whether a Host header names this machine, or any by its number, and no site on the net."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in ("localhost", socket.gethostname().lower()):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

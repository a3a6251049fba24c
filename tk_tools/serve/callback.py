"""Telling another service that a job has ended: only hosts that the one who runs this service named, and no other."""

from __future__ import annotations

import http.client
import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tk_tools.errors import ConfigError, InputError

TRIES = 3
_PAUSES = (1, 4)  # seconds between the tries
_PATIENCE = 10  # seconds for one answer
_PORTS = {"http": 80, "https": 443}
_LONGEST = 2000  # characters of an address


def check_host(text: str) -> str:
    """One --callback-host: HOST, for the usual ports, or HOST:PORT. ConfigError: it is none."""
    try:
        parts = urlsplit(f"//{text}")
        if not parts.hostname or parts.path or parts.query or parts.username is not None or parts.port == 0:
            raise ValueError
    except ValueError:
        raise ConfigError(f"--callback-host: {text!r} is not HOST or HOST:PORT, such as example.org") from None
    return text.lower()


def check_address(address: str, hosts: tuple[str, ...]) -> str:
    """An address that a client wants to be called. InputError: it is none, or not on a host that is allowed."""
    if not hosts:
        raise InputError("this service calls nobody back (its --callback-host says whom it may)")
    try:
        parts = urlsplit(address)
        usual = _PORTS[parts.scheme]
        port = parts.port or usual
        plain = address.isascii() and address.isprintable() and " " not in address and len(address) <= _LONGEST
        if not parts.hostname or not plain or parts.username is not None or parts.password is not None:
            raise ValueError
    except (ValueError, KeyError):
        raise InputError("callback is not an address such as https://example.org/done") from None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if f"{host}:{port}" in hosts or (port == usual and host in hosts):
        return address
    raise InputError("callback is not on a host that this service may call")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def call(address: str, content: dict[str, Any], tries: int, tried: Callable[[bool], None]) -> str:
    """POST `content` as JSON, up to `tries` times; "" or why nobody took it. tried: told after each whether it was."""
    body = json.dumps(content).encode()
    why = ""
    for number in range(tries):
        if number:
            time.sleep(_PAUSES[min(number, len(_PAUSES)) - 1])
        request = urllib.request.Request(address, data=body, headers={"content-type": "application/json"})
        try:
            with _OPENER.open(request, timeout=_PATIENCE):
                why = ""
        except (OSError, ValueError, http.client.HTTPException) as error:  # an answer that is no 2xx, too
            why = str(error) or type(error).__name__
        tried(not why)
        if not why:
            break
    return why

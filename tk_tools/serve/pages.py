"""The pages of a service: files of its own, which ask nothing of any other host. They hold no secret."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
    " media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_TYPES = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
ASSETS = {
    "/": "page.html",
    "/docs": "docs.html",
    "/page.css": "page.css",
    "/page.js": "page.js",
    "/docs.js": "docs.js",
    "/ask.js": "ask.js",
}


@cache
def asset(path: str) -> tuple[str, str]:
    """The content and the media type of one of ASSETS."""
    name = ASSETS[path]
    return files("tk_tools.serve").joinpath(name).read_text(encoding="utf-8"), _TYPES[name.rpartition(".")[2]]

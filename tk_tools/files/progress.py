"""How far a result is written, for one who listens: what writes pictures and sound tells it, and knows of nobody.

So a model says how far it is without a line of its own. One listener a process, which is that of one job.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[float], None]
_listener: Listener | None = None


@contextmanager
def listen(listener: Listener) -> Iterator[None]:
    """Within the block `listener` is called with the seconds of the result that are written so far."""
    global _listener
    before, _listener = _listener, listener
    try:
        yield
    finally:
        _listener = before


def tell(seconds: float) -> None:
    """So many seconds of a result are written."""
    if _listener is not None:
        _listener(seconds)

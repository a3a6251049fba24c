"""What a handler of signals has to know about the moment that it came in."""

from __future__ import annotations

from types import FrameType


def is_importing(frame: FrameType | None) -> bool:
    """Whether `frame`, where the signal came in, lies inside an import.

    An exception raised there is swallowed by some compiled modules, and makes others abort the process.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib."):
            return True
        frame = frame.f_back
    return False

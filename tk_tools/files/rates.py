"""The rate that everything in the box agrees on. Light, so that commands can show it."""

from fractions import Fraction

from tk_tools.errors import ConfigError

FRAME_RATE = 25  # pictures per second: what the lip-sync systems see, and what the tools make unless asked otherwise
DEFAULT_FPS = Fraction(FRAME_RATE)


def parse_rate(text: str) -> Fraction:
    """A frame rate from a number or a fraction (30000/1001), over 0 and at most 1000. ConfigError: it is none."""
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ConfigError(f"{text!r} is no frame rate; write 25 or 30000/1001") from None
    if not 0 < rate <= 1000:
        raise ConfigError(f"{text} is not between 0 and 1000")
    return rate

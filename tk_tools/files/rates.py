"""The rate that everything in the box agrees on. Light, so that commands can show it."""

from fractions import Fraction

FRAME_RATE = 25  # pictures per second: what the lip-sync systems see, and what the tools make unless asked otherwise
DEFAULT_FPS = Fraction(FRAME_RATE)

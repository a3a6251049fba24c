"""Which device of torch a name stands for, held against what this machine has."""

from __future__ import annotations

import re

from tk_tools.errors import ConfigError

NAME = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def choose_device(name: str) -> str:
    """The device for auto (a GPU if there is one), cpu, cuda, cuda:N or mps. ConfigError: no such name, or not here."""
    if not NAME.fullmatch(name):
        raise ConfigError(f"no device {name!r}; say auto, cpu, cuda, cuda:N or mps")
    if name == "cpu":
        return name
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if name == "mps":
        here = torch.backends.mps.is_available()
    else:
        here = int(name.partition(":")[2] or 0) < torch.cuda.device_count()
    if not here:
        raise ConfigError(f"torch sees no device {name} here; say cpu, or auto for the best there is")
    return name

"""Which of several processes of a run is the first, that reads the input and speaks; how warnings come to its log.

Light: the command asks before anything heavy is imported.
"""

from __future__ import annotations

import logging
import os
from typing import Any


def is_first_process() -> bool:
    """Whether this is the process that reads the input: not so in those that a launcher or Fabric started beside it."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID"))


def forward_warnings(log: Any) -> None:
    """Let what library code warns of go the way of all messages, `log.warn`."""

    class Forward(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            log.warn(record.getMessage())

    logging.getLogger("tk_tools").handlers = [Forward(logging.WARNING)]
    logging.getLogger("tk_tools").propagate = False

"""What a service is told when it starts. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

MB = 1_000_000  # bytes


@dataclass(frozen=True)
class ServeOptions:
    """How a model is served.

    values: of the model's own options, as tk-infer's command has them. templates: name -> file, the first is the one of
    the routes that send a speech alone. devices: of torch; each has a worker. state: folder of the jobs, which outlives
    the service. queue: jobs that may wait. upload_bytes: of one request. upload_seconds: that a file sent may last.
    characters: that a text may have. job_seconds: that a job may take. keep_hours: that a result stays. token: what
    clients must show, None for nothing. callback_hosts: HOST or HOST:PORT that results may be announced to.
    """

    model: str
    values: dict[str, Any]
    state: Path
    templates: dict[str, Path]
    devices: tuple[str, ...] = ("auto",)
    queue: int = 64
    upload_bytes: int = 500 * MB
    upload_seconds: float = 600
    characters: int = 20_000
    job_seconds: float = 3600
    keep_hours: float = 24
    token: str | None = None
    callback_hosts: tuple[str, ...] = ()

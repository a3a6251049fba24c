"""What a service counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

MEDIA_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)


class Metrics:
    """The numbers of one service. waiting, running: give how many jobs are so now."""

    def __init__(self, waiting: Callable[[], int], running: Callable[[], int]):
        disable_created_metrics()  # a line more for each number, of no use to anyone
        self._registry = CollectorRegistry()
        own = {"registry": self._registry}
        ProcessCollector(registry=self._registry)
        Gauge("tk_serve_jobs_waiting", "Jobs in the queue.", **own).set_function(waiting)
        Gauge("tk_serve_jobs_running", "Jobs that a worker makes.", **own).set_function(running)
        self._jobs = Counter("tk_serve_jobs_ended", "Jobs that ended, by how.", ["state"], **own)
        self._seconds = Histogram("tk_serve_job_seconds", "Time that a done job took.", buckets=_SECONDS, **own)
        self._requests = Counter("tk_serve_requests", "Requests, by status.", ["method", "status"], **own)
        self._restarts = Counter("tk_serve_worker_restarts", "Workers that ended in the middle of a job.", **own)

    def ended(self, state: str, seconds: float | None) -> None:
        """A job ended; `seconds` that it took, when it is done."""
        self._jobs.labels(state).inc()
        if seconds is not None:
            self._seconds.observe(seconds)

    def restarted(self) -> None:
        self._restarts.inc()

    def layer(self, app) -> Callable:
        """An ASGI layer that counts the answers of `app`."""

        async def counted(scope, receive, send) -> None:
            async def send_counted(message) -> None:
                if message["type"] == "http.response.start":
                    method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "DELETE") else "other"
                    self._requests.labels(method, message["status"]).inc()
                await send(message)

            await app(scope, receive, send_counted)

        return counted

    def text(self) -> bytes:
        """All of it, in the format of Prometheus."""
        return generate_latest(self._registry)

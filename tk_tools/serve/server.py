"""A service from its start to its end: the port, the model, the queue, the server, and back in order."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable

import uvicorn

from tk_tools.errors import ConfigError, InputError
from tk_tools.files.face_file import FACE, FaceFile
from tk_tools.serve.access import Access
from tk_tools.serve.app import OPEN_PATHS, make_app
from tk_tools.serve.dispatcher import Dispatcher, Told
from tk_tools.serve.offer import Offer
from tk_tools.serve.options import ServeOptions
from tk_tools.serve.store import JobStore
from tk_tools.serve.work import check_holds

_FINISH = 2  # seconds that open requests have when the service is stopped


def serve(options: ServeOptions, host: str, port: int, told: Told, ready: Callable[[str], None]) -> None:
    """Serve until a signal comes, which is passed on when all is in order: jobs that ran are queued again.

    ready: called with the address when requests are taken. port 0: a free one. ConfigError: the address or the folder
    is in use, or the model cannot be served; InputError: a template cannot be read; WeightsError: see the model.
    """
    offer = Offer(options)
    _check_templates(offer, options)
    with _listen(host, port) as listener:
        store = JobStore(options.state)
        try:
            asyncio.run(_serve(options, offer, store, listener, told, ready))
        finally:
            store.close()


async def _serve(
    options: ServeOptions,
    offer: Offer,
    store: JobStore,
    listener: socket.socket,
    told: Told,
    ready: Callable[[str], None],
) -> None:
    dispatcher = Dispatcher(options, offer, store, told)
    logger = logging.getLogger("uvicorn")
    logger.handlers, logger.propagate = [_ToLog(told)], False
    try:
        await dispatcher.open()
        app = Access(make_app(options, offer, store, dispatcher), options.token, OPEN_PATHS)
        config = uvicorn.Config(
            dispatcher.metrics.layer(app),
            lifespan="off",
            ws="none",
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=_FINISH,
            h11_max_incomplete_event_size=32_768,
            limit_concurrency=1000,
        )
        dispatcher.start()
        ready(_address(listener))
        await _Server(config, dispatcher).serve(sockets=[listener])
    finally:
        await dispatcher.close()


class _Server(uvicorn.Server):
    """Tells the queue at once that the end is near, so that nothing new is begun."""

    def __init__(self, config: uvicorn.Config, dispatcher: Dispatcher):
        super().__init__(config)
        self._dispatcher = dispatcher

    def handle_exit(self, sig: int, frame) -> None:
        self._dispatcher.stopping = True
        super().handle_exit(sig, frame)


class _ToLog(logging.Handler):
    """What the server has to say, with the messages of the tool."""

    def __init__(self, told: Told):
        super().__init__()
        self._told = told

    def emit(self, record: logging.LogRecord) -> None:
        self._told.error(record.getMessage().strip())
        if record.exc_info:
            self._told.error(logging.Formatter().formatException(record.exc_info))


def _check_templates(offer: Offer, options: ServeOptions) -> None:
    """ConfigError: the model takes no template; InputError: one is not what it stands for."""
    offer.check_templates()
    for path in options.templates.values():
        if path.name.endswith(FACE.suffix):
            with FaceFile(path) as file:
                video = file.video_beside
            if not video.is_file():
                raise InputError(f"its video {video.name} is not beside it", path=path)
        else:
            check_holds(path, offer.templated.holds)


def _listen(host: str, port: int) -> socket.socket:
    """A socket that nobody else has. ConfigError: one has it, or there is no such address here."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"--host {host} is no address: {error.strerror}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of the last run may still close
        listener.bind(address)
        listener.listen(1024)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(f"port {port} of {host} is in use; stop what has it, or give another --port") from error
        raise ConfigError(f"cannot listen on port {port} of {host}: {error.strerror}") from error
    listener.setblocking(False)
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

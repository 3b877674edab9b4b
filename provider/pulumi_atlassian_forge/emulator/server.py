"""The emulator over HTTP: a starlette application, run by uvicorn."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from .handler import Emulator

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response
    from starlette.routing import Route
    from starlette.types import Receive, Scope, Send
except ImportError as error:
    raise ImportError(
        "the emulator over HTTP needs starlette and uvicorn: pip install 'pulumi-atlassian-forge[emulator]'"
    ) from error

_BACKLOG: Final = 128


def application(emulator: Emulator) -> Starlette:
    """The emulator as an ASGI application.

    Args:
        emulator: What answers; it blocks, so it runs in threads.
    """
    return Starlette(routes=[Route("/{path:path}", _Endpoint(emulator))])


def run(emulator: Emulator, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve until the process is told to stop.

    Args:
        emulator: What answers.
        host: The address to listen on.
        port: The port; 0: a free one.
        announce: Called with the base URL as soon as it can be connected to.

    Raises:
        OSError: The address cannot be had.
    """
    with _listening(host, port) as listener:
        announce(_url(listener))
        _server(emulator).run(sockets=[listener])


@contextmanager
def serving(emulator: Emulator, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve from a thread of this process, on a free port.

    Args:
        emulator: What answers.
        host: The address to listen on.

    Yields:
        The base URL.
    """
    with _listening(host, 0) as listener:
        server = _server(emulator)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="forge-emulator", daemon=True)
        thread.start()
        try:
            yield _url(listener)
        finally:
            server.should_exit = True
            thread.join()


class _Endpoint:
    """Every path and method: which of them exist is the handler's business."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = scope["raw_path"].decode("latin-1")
        try:
            body = await request.body()
        except ClientDisconnect:
            return  # there is nobody left to answer
        headers = dict(request.headers)
        answer = await run_in_threadpool(self._emulator.handle, scope["method"], path, dict(request.query_params), headers, body)
        if answer.lost:
            # A head that promises a body, and no body: the client sees the connection end in the middle of an answer.
            start = [(b"content-length", str(max(1, len(answer.body))).encode())]
            await send({"type": "http.response.start", "status": answer.status, "headers": start})
            return
        await Response(answer.body, answer.status, dict(answer.headers))(scope, receive, send)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)  # from here on a client's connection waits, even if the server is not up yet
    except BaseException:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - listening everywhere is not a place to connect to
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _server(emulator: Emulator) -> uvicorn.Server:
    config = uvicorn.Config(
        application(emulator),
        http="h11",  # the same bytes on every machine, whatever else is installed
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)

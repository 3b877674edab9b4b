"""The emulator over HTTP: a starlette application, run by uvicorn on connections that a fault can close."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from urllib.parse import unquote, urlsplit

from .handler import Emulator
from .responses import EmulatorResponse, Refusal

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response
    from starlette.routing import Route
    from starlette.types import Receive, Scope, Send
    from uvicorn.protocols.http.h11_impl import H11Protocol
except ImportError as error:
    raise ImportError(
        "the emulator over HTTP needs starlette and uvicorn: pip install 'pulumi-atlassian-forge[emulator]'"
    ) from error

_BACKLOG: Final = 128


def run(emulator: Emulator, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve until a signal stops the process; raises OSError if the address is not available.

    ``announce`` is called with the base URL as soon as a client can connect to it.
    """
    with _listening(host, port) as listener:
        announce(_url(listener))
        _server(emulator, host).run(sockets=[listener])


@contextmanager
def serving(emulator: Emulator, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve from a thread of this process, on a free port; yields the base URL."""
    with _listening(host, 0) as listener:
        server = _server(emulator, host)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="forge-emulator", daemon=True)
        thread.start()
        try:
            yield _url(listener)
        finally:
            server.should_exit = True
            thread.join()


class _Connection(H11Protocol):
    """A connection of uvicorn that is in the state of its requests: ASGI has no way to close one without a response."""

    _waiting = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "connection": self}

    def shutdown(self) -> None:
        """The server stops: every request ends first, except one that only waits."""
        if self._waiting:
            self.transport.close()
        else:
            super().shutdown()

    async def wait(self, receive: Receive, seconds: float) -> bool:
        """Wait before a response; return whether the connection is still open."""
        self._waiting = True
        try:
            async with asyncio.timeout(seconds):
                await _closed(receive)
        except TimeoutError:
            return True
        finally:
            self._waiting = False
        return False

    async def close(self, receive: Receive) -> None:
        """Close the connection after the bytes that were sent; uvicorn adds nothing to a closed connection."""
        self.transport.close()
        await _closed(receive)


class _Endpoint:
    """The endpoint of every path and method: the handler decides which of them exist."""

    def __init__(self, emulator: Emulator, host: str) -> None:
        self._emulator = emulator
        self._host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return  # the client has closed the connection
        response = await run_in_threadpool(self._respond, request, body)
        connection: _Connection = scope["state"]["connection"]
        if response.delay_s and not await connection.wait(receive, response.delay_s):
            return
        if response.arrives == "whole":
            await Response(response.body, response.status, dict(response.headers))(scope, receive, send)
            return
        if response.arrives == "half":
            await _begin(response, send)
        await connection.close(receive)

    def _respond(self, request: Request, body: bytes) -> EmulatorResponse:
        if not self._is_named(request):
            typed = self._emulator.options.error_body == "typed"
            return Refusal(421, "this name is not the emulator's: use an IP address, or start it with --host").response(
                typed=typed
            )
        path, headers = request.scope["raw_path"].decode("latin-1"), dict(request.headers)
        if "authorization" not in headers and not self._has_token(path, headers):
            headers.pop("forge-proxy-authorization", None)
        return self._emulator.handle(request.method, path, dict(request.query_params), headers, body)

    def _is_named(self, request: Request) -> bool:
        """Whether the request names this server: a page in a browser can point a name of its own at a loopback address."""
        try:
            name = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        except ValueError:
            return False
        return name in {"localhost", self._host.lower(), request.scope["server"][0]} or _is_loopback(name)

    def _has_token(self, path: str, headers: Mapping[str, str]) -> bool:
        """Whether the path begins with a token of the installation that ``forge-proxy-authorization`` names.

        The header alone proves nothing: in a Forge container only the app can reach the proxy, here every local process can.
        """
        token = unquote(path.split("/")[1])
        installation = self._emulator.installation_of({"authorization": f"Bearer {token}"})
        return installation is not None and installation == self._emulator.installation_of(headers)


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


async def _begin(response: EmulatorResponse, send: Send) -> None:
    headers = Response(response.body, response.status, dict(response.headers)).raw_headers  # with the length of the whole body
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.half, "more_body": True})


async def _closed(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)  # from here on a client can connect, even if the server is not up yet
    except BaseException:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - a client needs an address that it can connect to
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _server(emulator: Emulator, host: str) -> uvicorn.Server:
    config = uvicorn.Config(
        Starlette(routes=[Route("/{path:path}", _Endpoint(emulator, host))]),
        http=_Connection,  # h11: the same bytes on every machine, with or without httptools
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)

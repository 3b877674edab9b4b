"""Connections of the server: how long one may wait without a request, and how many one address may have."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_TIMEOUT_S: Final = 5.0
"""Until the headers of the request have arrived; also for the TLS handshake, and for the end of TLS after the response."""


class Connection(H11Protocol):
    """A connection that ends if no request arrives, and that passes the client's certificate to the application.

    uvicorn waits for the first request without a limit, so idle connections would use up its limit of connections. It verifies
    the certificate, but does not expose it.

    Attributes:
        max_per_address: How many connections one address may have; None: any number, because they are those of a proxy.
    """

    max_per_address: int | None = None
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "certificate": transport.get_extra_info("peercert")}
        if self.max_per_address is not None and self._count_of_address() > self.max_per_address:
            transport.abort()
        else:
            self._await_request()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def _count_of_address(self) -> int:
        address = (self.client or [""])[0]
        return sum(isinstance(other, Connection) and (other.client or [""])[0] == address for other in self.connections)

    def _await_request(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(REQUEST_TIMEOUT_S, self._end_without_request)

    def _end_without_request(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()


class EventLoop(asyncio.SelectorEventLoop):
    """An event loop that ends a TLS handshake after the same time; uvicorn has no setting for it."""

    async def create_server(self, *args: Any, **options: Any) -> asyncio.Server:
        if options.get("ssl"):
            options["ssl_handshake_timeout"] = REQUEST_TIMEOUT_S
        return await super().create_server(*args, **options)

"""The emulator as a transport of httpx: requests are served in this process, without a network."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx

from .faults import FaultRule
from .handler import Emulator
from .options import DEFAULTS, EmulatorOptions
from .responses import EmulatorResponse
from .store import Store


class EmulatorTransport(httpx.BaseTransport):
    """Transport that serves every request from a SQLite file, for any host; raises OSError if the file cannot be used.

    ``installation`` is that of a request without credentials. Other requests are checked against the tokens.
    """

    def __init__(
        self, path: Path, installation: str = "default", *, options: EmulatorOptions = DEFAULTS, faults: Iterable[FaultRule] = ()
    ) -> None:
        self.emulator = Emulator(Store(path), options, faults)
        self._installation = installation
        with self.emulator.store.write() as rows:
            rows.add_installation(installation)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Serve a request."""
        path = request.url.raw_path.partition(b"?")[0].decode("ascii")
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = dict(request.url.params)
        response = self.emulator.handle(request.method, path, query, headers, request.read(), installation=self._installation)
        if response.delay_s:
            _wait(request, response.delay_s)
        if response.arrives == "never":
            raise httpx.RemoteProtocolError("the connection was closed without a response", request=request)
        if response.arrives == "half":
            headers = {**response.headers, "content-length": str(len(response.body))}
            return httpx.Response(response.status, headers=headers, stream=_Cut(response), request=request)
        return httpx.Response(response.status, headers=dict(response.headers), content=response.body, request=request)


class _Cut(httpx.SyncByteStream):
    """Half of a body, and then a closed connection."""

    def __init__(self, response: EmulatorResponse) -> None:
        self._body = response.half

    def __iter__(self) -> Iterator[bytes]:
        yield self._body
        raise httpx.RemoteProtocolError("the connection was closed in the middle of the response")


def _wait(request: httpx.Request, seconds: float) -> None:
    """Sleep, at most until the client's read time-out."""
    timeout_s = request.extensions.get("timeout", {}).get("read")
    if timeout_s is not None and timeout_s < seconds:
        time.sleep(timeout_s)
        raise httpx.ReadTimeout("no response came in time", request=request)
    time.sleep(seconds)

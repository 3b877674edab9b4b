"""The emulator in this process, as what carries a client's requests in place of the network."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx

from .fault_rules import FaultRule
from .handler import Emulator
from .options import DEFAULTS, EmulatorOptions
from .responses import EmulatorAnswer
from .store import Store


class EmulatorTransport(httpx.BaseTransport):
    """Answers every request from a file, whatever its host.

    Args:
        path: The file; it is made where it is missing.
        installation: Whose a request without credentials is. One with credentials is decided by the file's tokens.
        options: How the emulator behaves.
        faults: What it does wrong.

    Raises:
        OSError: The file cannot be used.
    """

    def __init__(
        self,
        path: Path,
        installation: str = "default",
        *,
        options: EmulatorOptions = DEFAULTS,
        faults: Iterable[FaultRule] = (),
    ) -> None:
        self.emulator = Emulator(Store(path), options, faults)
        self._installation = installation
        with self.emulator.store.write() as rows:
            rows.add_installation(installation)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Response a request."""
        path = request.url.raw_path.partition(b"?")[0].decode("ascii")
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = dict(request.url.params)
        response = self.emulator.handle(request.method, path, query, headers, request.read(), installation=self._installation)
        if response.after:
            _wait(request, response.after)
        if response.arrives == "never":
            raise httpx.RemoteProtocolError("the connection was closed without a response", request=request)
        if response.arrives == "half":
            headers = {**response.headers, "content-length": str(len(response.body))}
            return httpx.Response(response.status, headers=headers, stream=_Cut(response), request=request)
        return httpx.Response(response.status, headers=dict(response.headers), content=response.body, request=request)


class _Cut(httpx.SyncByteStream):
    """The half of a body, and then no more."""

    def __init__(self, response: EmulatorAnswer) -> None:
        self._body = response.half

    def __iter__(self) -> Iterator[bytes]:
        yield self._body
        raise httpx.RemoteProtocolError("the connection was closed in the middle of the response")


def _wait(request: httpx.Request, seconds: float) -> None:
    """Sleep as long as the client has patience."""
    patience = request.extensions.get("timeout", {}).get("read")
    if patience is not None and patience < seconds:
        time.sleep(patience)
        raise httpx.ReadTimeout("no response came in time", request=request)
    time.sleep(seconds)

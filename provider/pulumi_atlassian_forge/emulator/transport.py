"""The emulator in this process, as what carries a client's requests in place of the network."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx

from .answers import EmulatorAnswer
from .fault_rules import FaultRule
from .handler import Emulator
from .store import Store
from .switches import DEFAULTS, Switches


class EmulatorTransport(httpx.BaseTransport):
    """Answers every request from a file, whatever its host.

    Args:
        path: The file; it is made where it is missing.
        installation: Whose a request without credentials is. One with credentials is decided by the file's tokens.
        switches: How the emulator behaves.
        faults: What it does wrong.

    Raises:
        OSError: The file cannot be used.
    """

    def __init__(
        self,
        path: Path,
        installation: str = "default",
        *,
        switches: Switches = DEFAULTS,
        faults: Iterable[FaultRule] = (),
    ) -> None:
        self.emulator = Emulator(Store(path), switches, faults)
        self._installation = installation
        with self.emulator.store.write() as rows:
            rows.add_installation(installation)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        path = request.url.raw_path.partition(b"?")[0].decode("ascii")
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = dict(request.url.params)
        answer = self.emulator.handle(request.method, path, query, headers, request.read(), installation=self._installation)
        if answer.after:
            _wait(request, answer.after)
        if answer.arrives == "never":
            raise httpx.RemoteProtocolError("the connection was closed without an answer", request=request)
        if answer.arrives == "half":
            headers = {**answer.headers, "content-length": str(len(answer.body))}
            return httpx.Response(answer.status, headers=headers, stream=_Cut(answer), request=request)
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body, request=request)


class _Cut(httpx.SyncByteStream):
    """The half of a body, and then no more."""

    def __init__(self, answer: EmulatorAnswer) -> None:
        self._body = answer.half

    def __iter__(self) -> Iterator[bytes]:
        yield self._body
        raise httpx.RemoteProtocolError("the connection was closed in the middle of the answer")


def _wait(request: httpx.Request, seconds: float) -> None:
    """Sleep as long as the client has patience."""
    patience = request.extensions.get("timeout", {}).get("read")
    if patience is not None and patience < seconds:
        time.sleep(patience)
        raise httpx.ReadTimeout("no answer came in time", request=request)
    time.sleep(seconds)

"""The emulator in this process, as what carries a client's requests in place of the network."""

from __future__ import annotations

from pathlib import Path

import httpx

from .handler import Emulator
from .store import Store
from .switches import DEFAULTS, Switches


class EmulatorTransport(httpx.BaseTransport):
    """Answers every request from a file, whatever its host.

    Args:
        path: The file; it is made where it is missing.
        installation: Whose a request without credentials is. One with credentials is decided by the file's tokens.
        switches: How the emulator behaves.

    Raises:
        OSError: The file cannot be used.
    """

    def __init__(self, path: Path, installation: str = "default", *, switches: Switches = DEFAULTS) -> None:
        self.emulator = Emulator(Store(path), switches)
        self._installation = installation
        with self.emulator.store.write() as rows:
            rows.add_installation(installation)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        path = request.url.raw_path.partition(b"?")[0].decode("ascii")
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = dict(request.url.params)
        answer = self.emulator.handle(request.method, path, query, headers, request.read(), installation=self._installation)
        if answer.lost:
            raise httpx.RemoteProtocolError("the connection was cut before an answer came", request=request)
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body, request=request)

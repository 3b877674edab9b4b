"""A fake of a Forge container's proxy, as documented: it sends requests as the app, for the installation of a header.

https://developer.atlassian.com/platform/forge/containers-reference/ref-api/ documents ``$FORGE_EGRESS_PROXY_URL/atlassian/…``
with ``forge-proxy-authorization``.
"""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

INSTALLATION = "7d1c2b3a-0000-4444-8888-9999aaaabbbb"


@contextmanager
def sidecar(api_url: str, token: str) -> Iterator[str]:
    """Run the proxy until the end of the block.

    Yields:
        The value of ``FORGE_EGRESS_PROXY_URL`` in a container.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, response = 401, b'{"message": "the proxy does not accept this caller"}'
            is_authorized = self.headers.get("forge-proxy-authorization") == f"Forge as=app,installationId={INSTALLATION}"
            if is_authorized and "authorization" not in self.headers and self.path.startswith("/atlassian/"):
                status, response = _forwarded(api_url + self.path.removeprefix("/atlassian"), self.command, body, token)
            self.send_response(status)
            if status != 204:
                self.send_header("content-length", str(len(response)))
            self.end_headers()
            self.wfile.write(response)

        do_GET = do_POST = do_PUT = do_DELETE = _relay  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_address[1]}"
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def _forwarded(url: str, method: str, body: bytes, token: str) -> tuple[int, bytes]:
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body or None, headers, method=method), timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()

"""Fake HashiCorp Vault that keeps the keys of the tests' stacks, for Pulumi's ``hashivault://``.

By default Pulumi derives a stack's key from a passphrase, on purpose slowly: a million rounds, half a second of a processor in
each command, a quarter of the time of these tests. No test depends on where the key is kept.
"""

from __future__ import annotations

import functools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PROVIDER = "hashivault://tests"
"""For ``pulumi stack init --secrets-provider``."""

_WRAPPED = "vault:v1:"


class _Transit(BaseHTTPRequestHandler):
    """Vault's transit engine, without encryption."""

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if "/encrypt/" in self.path:
            data = {"ciphertext": f"{_WRAPPED}{body['plaintext']}"}
        else:
            data = {"plaintext": body["ciphertext"].removeprefix(_WRAPPED)}
        response = json.dumps({"data": data}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(response)))
        self.end_headers()
        self.wfile.write(response)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@functools.cache
def environment() -> dict[str, str]:
    """The variables that lead to it; it is started once for each process of the tests."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Transit)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return {"VAULT_SERVER_URL": f"http://127.0.0.1:{server.server_address[1]}", "VAULT_SERVER_TOKEN": "tests"}

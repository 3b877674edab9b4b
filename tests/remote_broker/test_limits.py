"""Request limits of examples/remote-broker: methods, sizes, slow bodies."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.broker import Broker, BrokerFiles, run_broker
from tests.support.issuers import github_claims, invocation_claims, signed, system_token

LIMIT = 256 * 1024


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/v1/forge/token", "/v1/installations/acme/token"])
def test_only_post_is_allowed(broker: Broker, path: str, method: str) -> None:
    token = system_token()
    broker.deliver(token)
    response = broker.client.request(method, path, headers={"authorization": f"Bearer {signed(github_claims())}"})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert token not in response.text


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/v1/installations", "/v1/installations/acme/token/", "/v1/installations/a/b/token"]
)
def test_other_paths_do_not_exist(broker: Broker, path: str) -> None:
    response = broker.client.post(path, headers={"authorization": f"Bearer {signed(github_claims())}"})
    assert (response.status_code, response.json()["code"]) == (404, "NOT_FOUND")
    assert "server" not in response.headers


def test_a_body_above_the_limit_is_refused(broker: Broker) -> None:
    token = system_token()
    for size, status in ((LIMIT, 204), (LIMIT + 1, 413)):
        headers = {"authorization": f"Bearer {signed(invocation_claims())}", "x-forge-oauth-system": token}
        assert broker.client.post("/v1/forge/token", content=b"x" * size, headers=headers).status_code == status
    chunks = (b"x" * 65536 for _ in range(5))
    assert broker.client.post("/v1/forge/token", content=chunks).status_code == 413


def test_a_slow_body_is_refused(broker: Broker) -> None:
    parts = urlsplit(broker.base_url)
    began = time.monotonic()
    with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=15) as slow:
        slow.sendall(b"POST /v1/forge/token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx")
        response = slow.recv(4096)
        assert response.startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began < 12
    assert broker.client.get("/health").json() == {"status": "ok"}


def test_too_large_headers_are_refused(broker: Broker) -> None:
    with contextlib.suppress(httpx.TransportError):  # the connection may be closed before the response is read
        assert broker.client.post("/v1/forge/token", headers={"x-forge-oauth-system": "x" * 600_000}).status_code == 400
    assert broker.client.get("/health").json() == {"status": "ok"}


def test_an_internal_error_is_logged_with_its_location_and_no_request_data(files: BrokerFiles) -> None:
    with run_broker(files) as broker:
        broker.deliver(system_token())
        files.database.unlink()
        files.database.mkdir()
        response = broker.fetch(signed(github_claims()))
        assert (response.status_code, response.json()["code"]) == (500, "INTERNAL")
        assert broker.client.get("/health").status_code == 500
        files.database.rmdir()
    (line, *_) = [json.loads(line) for line in files.log_text.splitlines() if '"error"' in line]
    assert line["error"].startswith("OperationalError at store.py:")
    assert "Traceback" not in files.log_text

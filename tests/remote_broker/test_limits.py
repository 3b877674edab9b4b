"""Request limits of examples/remote-broker: methods, sizes, slow bodies."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from broker.settings import Settings

from tests.support.broker import Broker, BrokerFiles, run_broker
from tests.support.certificates import Authority
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


def connected(broker: Broker) -> socket.socket:
    parts = urlsplit(broker.base_url)
    return socket.create_connection((str(parts.hostname), parts.port or 0), timeout=15)


def closed_after(connection: socket.socket, began: float) -> float:
    """Seconds until the server has closed the connection."""
    with contextlib.suppress(ConnectionResetError):
        while connection.recv(4096):
            pass
    return time.monotonic() - began


def test_connections_without_a_request_end_and_do_not_keep_others_out(files: BrokerFiles) -> None:
    with run_broker(files) as broker, contextlib.ExitStack() as stack:
        began = time.monotonic()
        idle = [stack.enter_context(connected(broker)) for _ in range(110)]
        for number, connection in enumerate(idle[:4]):
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n"[: 5 + 10 * number])
        assert broker.client.get("/health").status_code == 503
        for _ in range(4):
            time.sleep(1)
            idle[0].send(b"x")  # a slow client is no reason to wait longer
        assert 4 < max(closed_after(connection, began) for connection in idle) < 12
        assert broker.client.get("/health").json() == {"status": "ok"}


def test_a_connection_ends_if_the_client_does_not_end_tls(files: BrokerFiles) -> None:
    authority = Authority(files.root)
    context = ssl.create_default_context(cafile=str(authority.pem))
    with (
        run_broker(files, **authority.server()) as broker,
        context.wrap_socket(connected(broker), server_hostname="127.0.0.1") as client,
    ):
        client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        began = time.monotonic()
        while client.recv(4096):
            pass
        with socket.socket(fileno=client.detach()) as connection:
            connection.settimeout(15)
            assert 4 < closed_after(connection, began) < 12


def test_an_address_has_a_limited_number_of_connections(files: BrokerFiles) -> None:
    with run_broker(files, CONNECTIONS_PER_ADDRESS="3") as broker:
        with connected(broker) as one, connected(broker), connected(broker):
            began = time.monotonic()
            with connected(broker) as fourth:
                assert closed_after(fourth, began) < 3
            one.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert one.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert broker.client.get("/health").json() == {"status": "ok"}


def test_a_tls_handshake_that_does_not_begin_ends(files: BrokerFiles) -> None:
    authority = Authority(files.root)
    with run_broker(files, **authority.server()) as broker, connected(broker) as connection:
        assert 4 < closed_after(connection, time.monotonic()) < 12


@pytest.mark.parametrize(("terminates_tls", "given", "limit"), [(False, None, None), (True, None, 20), (False, 5, 5)])
def test_the_limit_of_an_address(tmp_path: Path, terminates_tls: bool, given: int | None, limit: int | None) -> None:
    pem = tmp_path / "a.pem" if terminates_tls else None
    found = Settings(policy=tmp_path, keys=tmp_path, tls_certificate=pem, tls_key=pem, connections_per_address=given)
    assert found.max_connections_of_an_address() == limit


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


def test_a_connection_serves_one_request_so_that_more_of_them_take_no_memory(files: BrokerFiles) -> None:
    flood = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 10_000
    with run_broker(files) as broker, connected(broker) as connection:
        connection.settimeout(2)
        began, sent = time.monotonic(), 0
        with contextlib.suppress(OSError):  # the server has closed the connection, or reads no more
            while time.monotonic() - began < 10:
                sent += connection.send(flood)
        assert sent < 32 * 1024 * 1024
        assert closed_after(connection, time.monotonic()) < 12
        assert broker.client.get("/health").headers["connection"] == "close"

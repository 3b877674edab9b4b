"""Responses that are too large, too slow, damaged or cut, over real sockets."""

from __future__ import annotations

import gzip
import socket
import time

import pytest

from pulumi_atlassian_forge.api.errors import InvalidResponse, LostResponse, Outcome, Throttled, error_from
from tests.support import raw_server
from tests.support.clients import GET, POST, QUICK, connect, failure
from tests.support.raw_server import MEGABYTE, Behaviour, responding, serving


def test_a_compressed_response_is_decompressed() -> None:
    body = gzip.compress(b'{"some": "json"}' * 1000)
    with serving(responding(200, body, {"content-encoding": "gzip"})) as server, connect(server.url) as client:
        assert client.send(GET).body == b'{"some": "json"}' * 1000


def test_a_chunked_response_is_joined() -> None:
    body = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with serving(raw_server.raw(body)) as server, connect(server.url) as client:
        assert client.send(GET).body == b"abcde"


@pytest.mark.parametrize(
    ("behaviour", "transient", "words"),
    [
        (responding(200, b"", {"content-length": str(100 * MEGABYTE)}), False, "larger than 8192 KiB"),
        (responding(200, b"", {"content-length": "9" * 18}), False, "larger than 8192 KiB"),
        (raw_server.pouring(100 * MEGABYTE), False, "larger than 8192 KiB"),
        (raw_server.bomb(), False, "larger than 8192 KiB"),
        (raw_server.bomb(layers=2, encoding="gzip, gzip"), False, "an encoding that was not requested"),
        (responding(200, b"x", {"content-encoding": "br"}), False, "an encoding that was not requested"),
        (responding(200, b"not gzip", {"content-encoding": "gzip"}), True, "damaged"),
        (responding(200, gzip.compress(b"x" * 1000)[:-9], {"content-encoding": "gzip"}), True, "cut"),
        (responding(302, b"", {"location": "https://elsewhere.example/"}), False, "redirected to elsewhere.example"),
        (responding(307, b"x" * 100, {"location": "/same"}), False, "redirected"),
    ],
)
def test_an_unusable_response_is_an_error(behaviour: Behaviour, transient: bool, words: str) -> None:
    started = time.monotonic()
    with serving(behaviour) as server:
        error = failure(server.url)
        assert isinstance(error, InvalidResponse)
        assert error.transient is transient
        assert words in error.message
        assert error.status is not None
        # Not read to its end: what was sent beyond the limit lies in the buffers of the two sockets.
        assert server.sent < 32 * MEGABYTE
        assert len(server.seen) == 1
    assert time.monotonic() - started < 5


def test_a_response_at_the_size_limit_is_accepted() -> None:
    body = b"x" * (8 * MEGABYTE)
    compressed = responding(200, gzip.compress(body, 1), {"content-encoding": "gzip"})
    with serving(responding(200, body), compressed) as server, connect(server.url) as client:
        assert client.send(GET).body == body
        assert client.send(GET).body == body


@pytest.mark.parametrize(
    "behaviour",
    [
        raw_server.closing(),
        raw_server.resetting(),
        raw_server.cutting(),
        raw_server.raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab"),
        raw_server.raw(b"HTTP/1.1 200 OK\r\ncontent-"),
        raw_server.raw(b"SSH-2.0-OpenSSH_9.9\r\n"),
        raw_server.raw(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 500_000),
    ],
)
def test_a_response_that_is_cut_is_lost(behaviour: Behaviour) -> None:
    with serving(behaviour) as server:
        error = failure(server.url, POST)
        assert isinstance(error, LostResponse)
        assert error.outcome is Outcome.UNKNOWN
        assert "the connection broke" in error.message
        assert len(server.seen) == 1


def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again() -> None:
    with serving(responding(200, b"{}", keep=False)) as server, connect(server.url) as client:
        for _ in range(3):
            client.send(POST)
            time.sleep(0.05)  # until the end of the connection has arrived
        assert server.connections == 3


@pytest.mark.parametrize(
    "behaviour",
    [
        raw_server.silent(),
        raw_server.dripping_body(),
        raw_server.dripping(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 1000),
        raw_server.dripping(b"HTTP/1.1 100 Continue\r\n\r\n", 0.001),
        raw_server.dripping(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;" + b"x" * 10_000, 0.001),
    ],
)
def test_a_request_ends_in_time_whatever_the_server_does(behaviour: Behaviour) -> None:
    with serving(behaviour) as server:
        started = time.monotonic()
        error = failure(server.url, POST, QUICK)
        spent = time.monotonic() - started
    assert isinstance(error, LostResponse)
    assert "no whole response within 0.4 s" in error.message
    assert spent < 1.0


def test_a_flood_of_provisional_responses_ends_in_time() -> None:
    def flood(server: raw_server.RawServer, connection: socket.socket, seen: raw_server.Seen) -> bool:
        while not server.stopped.is_set():
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
        return False

    with serving(flood) as server:
        started = time.monotonic()
        error = failure(server.url, GET, QUICK)
        assert time.monotonic() - started < 2.0
    assert isinstance(error, LostResponse)


def test_less_time_can_be_given() -> None:
    with serving(raw_server.silent()) as server, connect(server.url) as client:
        started = time.monotonic()
        with pytest.raises(LostResponse, match=r"within 0\.1 s"):
            client.send(GET, within=0.1)
        assert time.monotonic() - started < 1.0


def test_a_slow_response_does_not_affect_the_next() -> None:
    with serving(raw_server.dripping_body(), responding(200, b"{}")) as server, connect(server.url, QUICK) as client:
        with pytest.raises(LostResponse):
            client.send(GET)
        for _ in range(3):
            assert client.send(GET).body == b"{}"
        assert server.connections == 2


@pytest.mark.parametrize(
    "behaviour",
    [
        raw_server.cutting(422, b'{"message":'),
        raw_server.pouring(100 * MEGABYTE, status=422),
        responding(422, b"damaged", {"content-encoding": "gzip"}),
        responding(422, gzip.compress(b" " * 100 * MEGABYTE, 1), {"content-encoding": "gzip"}),
        responding(422, gzip.compress(b" " * 10 * MEGABYTE), {"content-encoding": "gzip"}),  # small enough to arrive whole
    ],
)
def test_the_status_of_an_error_counts_even_if_its_body_is_lost(behaviour: Behaviour) -> None:
    with serving(behaviour) as server, connect(server.url) as client:
        response = client.send(POST)
        assert response.status == 422
        assert len(response.body) < MEGABYTE
        assert server.sent < 32 * MEGABYTE


def test_an_error_with_an_endless_body_takes_at_most_one_request_timeout() -> None:
    def behave(server: raw_server.RawServer, connection: socket.socket, seen: raw_server.Seen) -> bool:
        connection.sendall(b"HTTP/1.1 429 Slow down\r\nretry-after: 5\r\ncontent-length: 1000\r\n\r\n")
        server.stopped.wait()
        return False

    with serving(behave) as server, connect(server.url, QUICK) as client:
        started = time.monotonic()
        error = error_from(client.send(POST))
        assert time.monotonic() - started < 1.0
    assert isinstance(error, Throttled)
    assert error.retry_after == 5.0

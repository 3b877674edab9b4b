from __future__ import annotations

import threading
from typing import Any

import pytest

from pulumi_atlassian_forge.api.deadline import Backend, Deadline, DeadlineExceeded
from tests.support.timing import Clock


class Network:
    """A network backend and a stream in one, which notes the time-outs that it is given. Each wait takes a second."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.timeouts: list[float | None] = []
        self.written: list[int] = []

    def _wait(self, timeout: float | None) -> None:
        self.timeouts.append(timeout)
        self.clock.now += 1.0

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **options: Any) -> Network:
        self._wait(timeout)
        return self

    def connect_unix_socket(self, path: str, timeout: float | None = None, **options: Any) -> Network:
        self._wait(timeout)
        return self

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> Network:
        self._wait(timeout)
        return self

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._wait(timeout)
        return b"x"

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.written.append(len(buffer))
        self._wait(timeout)


def test_every_wait_gets_what_is_left_and_no_more_than_its_own() -> None:
    clock = Clock()
    network, deadline = Network(clock), Deadline(clock)
    with deadline.within(8.0):
        stream = Backend(network, deadline).connect_tcp("host", 1, timeout=3.0).start_tls(None, timeout=3.0)
        stream.write(b"x" * 150_000, timeout=3.0)
        stream.read(1, timeout=3.0)
        stream.read(1)
        stream.read(1, timeout=3.0)
        with pytest.raises(DeadlineExceeded):
            stream.read(1, timeout=3.0)
    assert network.timeouts == [3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 2.0, 1.0]
    assert network.written == [65_536, 65_536, 18_928]


def test_a_connection_that_would_come_too_late_is_not_begun() -> None:
    clock = Clock()
    network, deadline = Network(clock), Deadline(clock)
    with deadline.within(1.0):
        clock.now += 1.0
        with pytest.raises(DeadlineExceeded):
            Backend(network, deadline).connect_tcp("host", 1)
        with pytest.raises(DeadlineExceeded):
            Backend(network, deadline).connect_unix_socket("/path")
        with pytest.raises(DeadlineExceeded):
            deadline.check()
    assert network.timeouts == []


def test_outside_a_request_there_is_no_deadline() -> None:
    deadline = Deadline(Clock())
    with deadline.within(0.0):
        pass
    deadline.check()
    assert deadline.left(None) is None
    assert deadline.left(5.0) == 5.0


def test_each_thread_has_its_own_deadline() -> None:
    deadline = Deadline(Clock())
    found: list[float | None] = []
    with deadline.within(7.0):
        thread = threading.Thread(target=lambda: found.append(deadline.left(None)))
        thread.start()
        thread.join()
        assert deadline.left(None) == 7.0
    assert found == [None]

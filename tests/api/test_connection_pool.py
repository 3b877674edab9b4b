from __future__ import annotations

import ssl
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import httpcore
import httpx
import pytest

from pulumi_atlassian_forge.api.connection_pool import ConnectionPool, Deadline, DeadlineBackend, DeadlineExceeded
from pulumi_atlassian_forge.api.errors import Unreachable
from tests.support.timing import Clock


class Connection(httpx.BaseTransport):
    def __init__(self) -> None:
        self.users = 0
        self.most_users = 0
        self.closed = False

    def close(self) -> None:
        self.closed = True


class Maker:
    def __init__(self) -> None:
        self.made: list[Connection] = []

    def __call__(self) -> Connection:
        self.made.append(Connection())
        return self.made[-1]


def test_no_connection_has_two_users_and_the_limit_holds() -> None:
    make = Maker()
    connections = ConnectionPool(make, 4)

    def use(_: int) -> None:
        with connections.borrow(10) as connection:
            assert isinstance(connection, Connection)
            connection.users += 1
            connection.most_users = max(connection.most_users, connection.users)
            threading.Event().wait(0.0005)
            connection.users -= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(use, range(400)))
    assert len(make.made) <= 4
    assert {connection.most_users for connection in make.made} == {1}


def test_the_connection_that_was_returned_last_is_lent_first() -> None:
    make = Maker()
    connections = ConnectionPool(make, 4)
    with connections.borrow(1) as first, connections.borrow(1) as second:
        assert first is not second
    for _ in range(5):
        with connections.borrow(1) as again:
            assert again is first  # the outer block ended last
    assert len(make.made) == 2


def test_the_wait_for_a_connection_is_limited() -> None:
    connections = ConnectionPool(Maker(), 1)
    with connections.borrow(1):
        for timeout in (0.01, 0.0, -1.0):
            with pytest.raises(Unreachable) as caught, connections.borrow(timeout):
                pass
            assert caught.value.reason == "timeout"
    with connections.borrow(0.0):
        pass


def test_a_failure_in_the_block_or_of_the_opening_frees_the_connection() -> None:
    class Broken(Maker):
        def __call__(self) -> Connection:
            if not self.made:
                self.made.append(Connection())
                raise Unreachable("no certificates", reason="tls")
            return super().__call__()

    connections = ConnectionPool(Broken(), 1)
    with pytest.raises(Unreachable, match="no certificates"), connections.borrow(0.0):
        pass
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), connections.borrow(0.0):
            raise ZeroDivisionError


def test_closing_cuts_no_request() -> None:
    make = Maker()
    connections = ConnectionPool(make, 2)
    with connections.borrow(1), connections.borrow(1):
        pass
    with connections.borrow(1) as busy:
        assert isinstance(busy, Connection)
        connections.close()
        connections.close()
        assert not busy.closed
        assert [connection.closed for connection in make.made if connection is not busy] == [True]
    assert busy.closed
    with pytest.raises(Unreachable, match="closed"), connections.borrow(1):
        pass


class Network(httpcore.NetworkBackend, httpcore.NetworkStream):
    """A network backend and a stream in one, which notes the time-outs that it is given. Each wait takes a second."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.timeouts: list[float | None] = []
        self.written: list[int] = []

    def _wait(self, timeout: float | None) -> None:
        self.timeouts.append(timeout)
        self.clock.now += 1.0

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        self._wait(timeout)
        return self

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        self._wait(timeout)
        return self

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._wait(timeout)
        return b"x"

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.written.append(len(buffer))
        self._wait(timeout)


def test_every_wait_is_limited_by_its_own_timeout_and_the_deadline() -> None:
    clock = Clock()
    network = Network(clock)
    backend = DeadlineBackend(network, resolve=lambda host, _: [host])
    backend.deadline = Deadline(8.0, clock)
    stream = backend.connect_tcp("host", 1, timeout=3.0).start_tls(ssl.create_default_context(), timeout=3.0)
    stream.write(b"x" * 150_000, timeout=3.0)
    stream.read(1, timeout=3.0)
    stream.read(1)
    stream.read(1, timeout=3.0)
    with pytest.raises(DeadlineExceeded):
        stream.read(1, timeout=3.0)
    # The connection and its TLS share one time-out.
    assert network.timeouts == [3.0, 2.0, 3.0, 3.0, 3.0, 3.0, 2.0, 1.0]
    assert network.written == [65_536, 65_536, 18_928]


def test_no_connection_is_opened_after_the_deadline() -> None:
    clock = Clock()
    network = Network(clock)
    backend = DeadlineBackend(network)
    backend.deadline = Deadline(1.0, clock)
    clock.now += 1.0
    with pytest.raises(DeadlineExceeded):
        backend.connect_tcp("host", 1)
    with pytest.raises(DeadlineExceeded):
        backend.deadline.left()
    assert network.timeouts == []


class Hosts(httpcore.NetworkBackend):
    """A network whose addresses accept, refuse or drop; dropping takes the time-out."""

    def __init__(self, clock: Clock, **behaviour: str) -> None:
        self.clock = clock
        self.behaviour = behaviour
        self.tried: list[tuple[str, float | None]] = []

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        self.tried.append((host, timeout))
        match self.behaviour[host]:
            case "refuses":
                raise httpcore.ConnectError("refused")
            case "drops":
                self.clock.now += timeout or 0.0
                raise httpcore.ConnectTimeout
        return Network(self.clock)


def connected(clock: Clock, hosts: Hosts, preferred: dict[str, str] | None = None) -> DeadlineBackend:
    backend = DeadlineBackend(hosts, preferred, resolve=lambda *_: [*hosts.behaviour])
    backend.deadline = Deadline(40.0, clock)
    backend.connect_tcp("host", 443, timeout=10.0)
    return backend


@pytest.mark.parametrize("count", [1, 2, 4, 8, 20])
def test_the_connect_timeout_is_for_all_addresses_together(count: int) -> None:
    clock = Clock()
    started = clock.now
    hosts = Hosts(clock, **{f"address-{number}": "drops" for number in range(count)})
    with pytest.raises(httpcore.ConnectTimeout):
        connected(clock, hosts)
    assert clock.now - started == pytest.approx(10.0)
    assert {host for host, _ in hosts.tried} == {*hosts.behaviour}


def test_a_broken_address_costs_a_second_once() -> None:
    clock, preferred = Clock(), dict[str, str]()
    started = clock.now
    hosts = Hosts(clock, broken="drops", refusing="refuses", working="accepts")
    connected(clock, hosts, preferred)
    assert clock.now - started == pytest.approx(1.0)
    hosts.tried.clear()
    connected(clock, hosts, preferred)
    assert [host for host, _ in hosts.tried] == ["working"]


def test_addresses_that_refuse_are_not_tried_again_and_their_error_is_kept() -> None:
    clock = Clock()
    hosts = Hosts(clock, a="refuses", b="refuses")
    with pytest.raises(httpcore.ConnectError, match="refused"):
        connected(clock, hosts)
    assert [host for host, _ in hosts.tried] == ["a", "b"]


def test_a_connection_that_took_its_time_has_none_left_for_tls() -> None:
    clock = Clock()
    backend = DeadlineBackend(Network(clock), resolve=lambda host, _: [host])
    backend.deadline = Deadline(40.0, clock)
    stream = backend.connect_tcp("host", 1, timeout=1.0)
    with pytest.raises(httpcore.ConnectTimeout):
        stream.start_tls(ssl.create_default_context(), timeout=1.0)


def test_a_new_connection_takes_the_place_of_an_idle_one() -> None:
    make = Maker()
    connections = ConnectionPool(make, 1)
    with connections.borrow(1) as first:
        pass
    with connections.borrow(1, is_new=True) as second:
        assert second is not first
    assert [connection.closed for connection in make.made] == [True, False]
    with connections.borrow(1) as third:
        assert third is second

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import httpcore
import httpx
import pytest

from pulumi_atlassian_forge.api.connection_pool import ConnectionPool, Deadline, DeadlineBackend, DeadlineExceeded, proxy_for
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
    backend = DeadlineBackend(network)
    backend.deadline = Deadline(8.0, clock)
    stream = backend.connect_tcp("host", 1, timeout=3.0).start_tls(ssl.create_default_context(), timeout=3.0)
    stream.write(b"x" * 150_000, timeout=3.0)
    stream.read(1, timeout=3.0)
    stream.read(1)
    stream.read(1, timeout=3.0)
    with pytest.raises(DeadlineExceeded):
        stream.read(1, timeout=3.0)
    assert network.timeouts == [3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 2.0, 1.0]
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


NO_PROXY = (
    *("*", "a.example", ".a.example", "*.a.example", "www.a.example", "example", ".example", "ple", "A.Example", "https://"),
    *("a.example:8443", "https://a.example", "http://a.example", "https://*.example:8443", "localhost", "LOCALHOST"),
    *("127.0.0.1", "127.0.0.0/8", "127.0.0.1:8443", "::1", " b.example , a.example", "b.example", ","),
)
ADDRESSES = (
    *("https://a.example", "http://a.example", "https://www.a.example", "https://notexample", "https://a.example:8443"),
    *("http://localhost", "https://127.0.0.1", "https://127.0.0.1:8443", "http://[::1]:80", "https://b.example"),
)


@pytest.mark.parametrize("no_proxy", NO_PROXY)
@pytest.mark.parametrize(
    "proxies",
    [
        {"HTTPS_PROXY": "http://secure.example:1"},
        {"HTTP_PROXY": "plain.example:2", "ALL_PROXY": "http://all.example:3"},
        {"HTTPS_PROXY": "http://secure.example:1", "HTTP_PROXY": "http://plain.example:2"},
    ],
)
def test_the_proxy_of_an_address_is_that_of_httpx(
    proxies: dict[str, str], no_proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**proxies, "NO_PROXY": no_proxy}.items():
        monkeypatch.setenv(name, value)
    with httpx.Client() as client:
        for address in map(httpx.URL, ADDRESSES):
            transport = client._transport_for_url(address)
            url = getattr(getattr(transport, "_pool"), "_proxy_url", None)  # noqa: B009
            found = proxy_for(address)
            assert (found and httpx.URL(found).host) == (url and url.host.decode()), address

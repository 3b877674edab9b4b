"""HTTP connection pool: connections with a deadline, proxies and certificates of the environment, and what an HTTP error means.

Each connection is lent to one thread at a time. A pool of httpcore that threads share may close a connection under the request
of another thread: it takes one that has just been given away for idle, or for closed by the server (httpcore 1.0.9; some requests
in 10,000 as soon as there are more threads than connections). A register that is lost like that has to be verified.

A read time-out limits the wait for the next byte, not for the response: a server that sends one byte every few seconds would keep
a request alive for ever. So the network backend limits every wait to the time that the request has left (:class:`Deadline`). Only
the resolver's own time-out limits the lookup of a host name.
"""

from __future__ import annotations

import functools
import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpcore
import httpx

from .errors import ApiError, LostResponse, Reason, Unreachable
from .network_environment import Proxy, proxy_for
from .text import printable

_KEEPALIVE_S: Final = 5.0
_SHORT_ATTEMPT_S: Final = 1.0  # to connect to each of several addresses, before any gets a longer attempt
_WRITE_BYTES: Final = 65_536  # bytes that are written before the deadline is checked again


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Time limits, in seconds."""

    connect: float = 10.0  # for a connection, TLS included, and for one of the pool's connections to become free
    read: float = 30.0  # for the whole response; connect + read is the deadline of one request
    total: float = 120.0  # for one operation, with all its requests and pauses


class DeadlineExceeded(Exception):
    """The time of a request is over."""


class Deadline:
    """Wall-clock limit of one request: writing it, and reading the whole response."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def left(self, timeout: float | None = None) -> float:
        """The seconds that are left, or the time-out if that is shorter; raises DeadlineExceeded if nothing is left."""
        left = self.remaining
        if left <= 0:
            raise DeadlineExceeded
        return left if timeout is None else min(timeout, left)

    @property
    def remaining(self) -> float:
        """The seconds that are left; negative after the end."""
        return self._end - self._clock()

    def part(self, timeout: float | None) -> Deadline:
        """A deadline after the time-out, but not after this one; raises DeadlineExceeded if nothing is left."""
        return Deadline(self.left(timeout), self._clock)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, in the order of the system's resolver; raises OSError or UnicodeError if there are none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # An address is left as it is: with a scope (fe80::1%eth0) it is more than what the resolver returns.
    return [host] if len(found) == 1 else [str(address[0]) for *_, address in found]


class DeadlineBackend(httpcore.NetworkBackend):
    """Network backend of one connection: no wait is longer than the deadline of its current request allows.

    The connect time-out is for all addresses of a host together, and for TLS. The address that worked last is tried first;
    the connections of a pool share it in ``preferred``.
    """

    def __init__(
        self,
        backend: httpcore.NetworkBackend | None = None,
        preferred: dict[str, str] | None = None,
        resolve: Callable[[str, int], list[str]] = resolve,
    ) -> None:
        self.deadline = Deadline(0.0)
        self.connecting = Deadline(0.0)
        self._backend = backend or httpcore.SyncBackend()
        self._preferred = {} if preferred is None else preferred
        self._resolve = resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Open a connection to the first address of the host that accepts one."""
        self.connecting = self.deadline.part(timeout)
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error
        addresses.sort(key=lambda address: address != self._preferred.get(host))
        failure: Exception = httpcore.ConnectTimeout()
        # First a short attempt at each, so that a broken address (IPv6, as a rule) costs little; then a long one.
        for most in (_SHORT_ATTEMPT_S, math.inf) if len(addresses) > 1 else (math.inf,):
            silent = []
            for tried, address in enumerate(addresses):
                seconds = min(most, self.connecting.remaining / (len(addresses) - tried))
                if seconds <= 0:
                    raise httpcore.ConnectTimeout
                try:
                    stream = self._backend.connect_tcp(address, port, seconds, local_address, socket_options)
                except httpcore.ConnectTimeout as error:
                    failure = error
                    silent.append(address)
                except httpcore.ConnectError as error:
                    failure = error
                else:
                    self._preferred[host] = address
                    return _DeadlineStream(stream, self)
            addresses = silent
        raise failure


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, backend: DeadlineBackend) -> None:
        self._stream = stream
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._backend.deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _WRITE_BYTES):
            self._stream.write(buffer[start : start + _WRITE_BYTES], self._backend.deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = min(self._backend.connecting.remaining, self._backend.deadline.left(timeout))
        if left <= 0:
            raise httpcore.ConnectTimeout
        secured = self._stream.start_tls(ssl_context, server_hostname, left)
        return _DeadlineStream(secured, self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class Connection(httpx.BaseTransport):
    """One HTTP/1.1 connection, kept open between requests. Each request brings its :class:`Deadline` as an extension."""

    def __init__(
        self, ssl_context: ssl.SSLContext, proxy: httpx.Proxy | None = None, backend: DeadlineBackend | None = None
    ) -> None:
        self._backend = backend or DeadlineBackend()
        limits = {"max_connections": 1, "keepalive_expiry": _KEEPALIVE_S}
        options: dict[str, Any] = {"ssl_context": ssl_context, "network_backend": self._backend, **limits}
        self._pool = httpcore.ConnectionPool(**options) if proxy is None else _proxied(proxy, options)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the body of the response is read from its stream."""
        self._backend.deadline = request.extensions["deadline"]
        url, headers, body = _as_httpcore(request.url), request.headers.raw, request.read()
        outgoing = httpcore.Request(request.method, url, headers=headers, content=body, extensions=request.extensions)
        response = self._pool.handle_request(outgoing)
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response))

    def close(self) -> None:
        """Close it."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


def _proxied(proxy: httpx.Proxy, options: dict[str, Any]) -> httpcore.ConnectionPool:
    kind = httpcore.HTTPProxy if proxy.url.scheme in ("http", "https") else httpcore.SOCKSProxy
    return kind(_as_httpcore(proxy.url), proxy.raw_auth, **options)


def _as_httpcore(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def connection_opener(base_url: str, verify: ssl.SSLContext | None = None) -> Callable[[], Connection]:
    """A function that opens connections to a server; it reads the environment when it opens the first one.

    It trusts the certificates of ``verify``, ``SSL_CERT_FILE``, ``SSL_CERT_DIR`` or certifi. It raises Unreachable if the
    environment names unusable certificates or an unusable proxy.
    """
    preferred: dict[str, str] = {}

    @functools.cache
    def certificates() -> ssl.SSLContext:
        return verify or httpx.create_ssl_context()

    def opened() -> Connection:
        try:
            ssl_context = certificates()
        except OSError:
            raise Unreachable("the certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read", reason="tls") from None
        proxy = proxy_for(base_url)
        if proxy is None:
            return Connection(ssl_context, None, DeadlineBackend(preferred=preferred))
        problem = proxy.problem
        if problem is None:
            try:
                return Connection(ssl_context, httpx.Proxy(proxy.url), DeadlineBackend(preferred=preferred))
            except RuntimeError:
                problem = "a SOCKS proxy needs the package socksio: pip install 'httpx[socks]'"
            except (ValueError, TypeError, httpx.InvalidURL):
                problem = "its value is not the URL of a proxy"
        raise Unreachable(f"the proxy that {proxy.variable} names cannot be used: {problem}", reason="proxy")

    return opened


class ConnectionPool:
    """Lends out at most ``limit`` connections, each to one thread at a time; the one that was returned last goes out first."""

    def __init__(self, opened: Callable[[], httpx.BaseTransport], limit: int) -> None:
        self._opened = opened
        self._slots = threading.BoundedSemaphore(limit)
        self._lock = threading.Lock()
        self._idle: list[httpx.BaseTransport] = []
        self._is_closed = False

    @contextmanager
    def borrow(self, timeout: float, *, is_new: bool = False) -> Iterator[httpx.BaseTransport]:
        """Lend one for the time of the block, after up to ``timeout`` seconds; raises Unreachable if there is none.

        ``is_new``: not one that is idle, of which one is closed instead.
        """
        if not self._slots.acquire(timeout=max(0.0, timeout)):
            raise Unreachable(f"no connection of the pool was free within {timeout:.3g} s", reason="timeout")
        try:
            with self._lock:
                if self._is_closed:
                    raise Unreachable("the connections are closed")
                idle = self._idle.pop() if self._idle else None
                connection = self._opened() if idle is None or is_new else idle
            if idle is not None and idle is not connection:
                idle.close()
            try:
                yield connection
            finally:
                with self._lock:
                    is_closed = self._is_closed
                    if not is_closed:
                        self._idle.append(connection)
                if is_closed:
                    connection.close()
        finally:
            self._slots.release()

    def close(self) -> None:
        """Close the idle connections; one that is lent out is closed on its return, so that no request is cut."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = set(self._idle), []
        for connection in idle:
            connection.close()


HTTP_ERRORS: Final = (
    *(DeadlineExceeded, ValueError, httpx.HTTPError, httpx.InvalidURL),  # ValueError: a host name that cannot be encoded
    *(httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError),
    *(httpcore.TimeoutException, httpcore.UnsupportedProtocol),
)
"""What a connection raises; those of httpx come from transports that are given in its place."""

_NOT_SENT: Final = (
    *(httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol, httpx.InvalidURL),
    *(httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.ProxyError, httpcore.UnsupportedProtocol),
)
_REASONS: Final[tuple[tuple[tuple[type[Exception], ...], Reason, str], ...]] = (
    ((httpx.ConnectTimeout, httpcore.ConnectTimeout), "timeout", "no connection within {seconds:.3g} s"),
    ((httpx.ProxyError, httpcore.ProxyError), "proxy", "the connection was refused: {text}"),
    ((httpx.UnsupportedProtocol, httpx.InvalidURL, httpcore.UnsupportedProtocol), "other", "the address cannot be used"),
    ((socket.gaierror,), "dns", "the host name cannot be resolved: {text}"),
    ((ssl.SSLCertVerificationError,), "tls", "no TLS connection, the server's certificate is not trusted: {text}"),
    ((ssl.SSLError,), "tls", "no TLS connection: {text}"),
    ((ConnectionRefusedError, ConnectionResetError, ConnectionAbortedError), "refused", "no connection: {text}"),
    ((Exception,), "other", "no connection: {text}"),
)


def error_from_http(error: Exception, deadline_s: float, connect_s: float, proxy: Proxy | None = None) -> ApiError:
    """The API error for an HTTP error: after all but a few, which come before the request is sent, the outcome is unknown.

    A connection through a ``proxy`` is one to the proxy, except for its TLS.
    """
    if isinstance(error, _NOT_SENT):
        cause = _cause(error)
        reason, text = next(
            (name, text) for kinds, name, text in _REASONS if isinstance(error, kinds) or isinstance(cause, kinds)
        )
        text = text.format(text=_text_of(cause), seconds=connect_s)
        return Unreachable(text if proxy is None or reason == "tls" else f"{proxy}: {text}", reason=reason)
    if isinstance(error, DeadlineExceeded | httpx.TimeoutException | httpcore.TimeoutException):
        return LostResponse(f"no whole response within {deadline_s:.3g} s")
    return LostResponse(f"the connection broke before the whole response was there ({_text_of(error)})")


def _cause(error: BaseException) -> BaseException:
    """The operating system's own error, which httpcore wraps as the cause or the context of its own."""
    while not isinstance(error, OSError) and (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error


def _text_of(error: BaseException) -> str:
    text = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or str(error)
    return printable(text, 120) or type(error).__name__

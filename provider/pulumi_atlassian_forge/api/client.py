"""The HTTP client: the only file that uses httpx. It sends one request and brings back one response, or says what became of it.

It does not repeat (:mod:`.retry`), but for a request that was not let in and has other credentials now; it does not judge a
status (:mod:`.failures`), follows no redirect and keeps no cookie. Proxies and certificates come from the environment as httpx
does it (``HTTPS_PROXY``, ``NO_PROXY``, ``SSL_CERT_FILE``, ``SSL_CERT_DIR``).

No exception of httpx leaves this file, not even as the context of ours: each of them holds the request, and with it the token.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from pulumi_atlassian_forge.errors import SECRET_MIN_LENGTH, redact

from .auth import Auth, unsendable
from .body import ACCEPTED, MAX_RESPONSE_BYTES, decoded, too_large
from .connection_pool import ConnectionPool
from .deadline import Backend, Deadline, DeadlineExceeded, Timeouts
from .errors import ApiError, InvalidResponse, LostResponse, Reason, Unauthorized, Unreachable, error_from
from .library import httpx
from .request_response import Request, Response
from .text import printable

__all__ = ["Client", "Timeouts"]

_CONNECTIONS: Final = 16
_MAX_ERROR_BODY: Final = 65_536  # of an error only the words matter, and they stand at its top

_REFUSALS: Final = (ConnectionRefusedError, ConnectionResetError, ConnectionAbortedError)
_REASONS: Final[Mapping[type[Exception] | tuple[type[Exception], ...], Reason]] = {
    httpx.ConnectTimeout: "timeout",
    httpx.PoolTimeout: "busy",
    httpx.ProxyError: "proxy",
    socket.gaierror: "dns",
    ssl.SSLError: "tls",
    _REFUSALS: "refused",
}
_SENTENCES: Final[Mapping[Reason, str]] = {
    "timeout": "no connection within {seconds} s",
    "busy": "none of our own connections was free within {seconds} s",
    "proxy": "the proxy refused: {words}",
    "dns": "the name of the host is not known: {words}",
    "tls": "no TLS connection: {words}",
    "refused": "no connection: {words}",
    "other": "no connection: {words}",
}


class Carrier(Protocol):
    """What takes requests to the API, and brings back its responses."""

    def wrapped(self, request: Request) -> Request:
        """The request that carries this one."""

    def unwrapped(self, response: Response) -> Response | ApiError:
        """The response that this one carries."""


class Client:
    """Speaks to one installation. Shared by all threads of a process.

    Args:
        base_url: Where the API is, for example ``https://api.atlassian.com``; a path in it is kept.
        auth: The source of the headers that identify the installation.
        timeouts: See :class:`Timeouts`.
        carrier: What the requests go through, where there is no direct way.
        passing: Entered by each request, after its credentials were obtained; it is not sent where that gives False.
        transport: What carries the requests in place of the network (the emulator, tests); used as it is.
        user_agent: The value of ``User-Agent``.
        verify: The certificates to trust, where it is not those of the environment.
        clock: A monotonic clock, in seconds.

    Raises:
        ValueError: ``base_url`` is not a URL.
    """

    def __init__(  # noqa: PLR0913 - what a client needs, and what a test sets
        self,
        base_url: str,
        auth: Auth,
        *,
        timeouts: Timeouts | None = None,
        carrier: Carrier | None = None,
        passing: Callable[[], AbstractContextManager[bool]] = lambda: nullcontext(True),
        transport: httpx.BaseTransport | None = None,
        user_agent: str = "pulumi-atlassian-forge",
        verify: ssl.SSLContext | bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.timeouts = timeouts or Timeouts()
        self._base = _checked(base_url)
        self._auth = auth
        self._carrier = carrier
        self._passing = passing
        self._transport = transport
        self._headers = {"accept": "application/json", "accept-encoding": ACCEPTED, "user-agent": user_agent}
        self._verify = verify
        self._deadline = Deadline(clock)
        self._shared: httpx.Client | None = None
        self._connections = ConnectionPool(self._opened, _CONNECTIONS)

    def __repr__(self) -> str:
        return f"Client({self._base!r})"

    def send(self, request: Request, *, within: float | None = None) -> Response:
        """Send a request once.

        Args:
            request: What to send.
            within: Seconds that are left for it, where they are fewer than ``connect + read``.

        Returns:
            The response, whatever its status, except for a redirect.

        Raises:
            Unreachable: It was not sent.
            Unauthorized: It was not sent, because the credentials fit into no header.
            LostAnswer: It was sent, and no whole response came in time.
            BadAnswer: The response is a redirect, too large, or damaged.
        """
        limit = self.timeouts.connect + self.timeouts.read
        seconds = limit if within is None else min(limit, within)
        response = self._let_in(request, seconds)
        if isinstance(response, ApiError):
            # Raised here and not where it was found: what was being handled there holds the request, and with it the token.
            response.__context__ = None
            raise response.with_traceback(None)
        return response

    def close(self) -> None:
        """Close the connections, each when no request is on its way over it. The client cannot be used after that."""
        self._connections.close()

    def _let_in(self, request: Request, seconds: float) -> Response | ApiError:
        """Send the request, and once more where a 401 had the credentials renewed: it was not carried out.

        But not a register: with other credentials it may reach another installation, so its caller looks again.
        """
        try:
            identity = self._auth.headers(request)
            response = self._exchange(request, identity, seconds)
            if isinstance(response, Response) and response.status == httpx.codes.UNAUTHORIZED and self._auth.refreshed(identity):
                if not request.safe_to_repeat:
                    return Unauthorized("the token had ended, and was renewed", status=response.status, is_refreshed=True)
                response = self._exchange(request, self._auth.headers(request), seconds)
        except ApiError as error:
            return error
        else:
            return response

    def _exchange(self, request: Request, identity: Mapping[str, str], seconds: float) -> Response | ApiError:
        with self._passing() as may_pass:
            if not may_pass:
                return Unreachable("the engine is gone, so no request is sent any more")
            outcome = self._attempt(request, identity, seconds)
        if isinstance(outcome, Response) and self._carrier is not None:
            outcome = self._carrier.unwrapped(outcome)
        if isinstance(outcome, ApiError):
            return outcome.redacted(_secrets_of(identity))
        return outcome

    def _attempt(self, request: Request, identity: Mapping[str, str], seconds: float) -> Response | ApiError:
        refusal = unsendable(identity.values())
        if refusal is not None:
            return refusal
        try:
            with self._deadline.within(seconds), self._connections.borrow(min(self.timeouts.connect, seconds)) as http:
                return self._received(http, request, identity, seconds)
        except ApiError as error:
            return error
        except (httpx.HTTPError, httpx.InvalidURL, DeadlineExceeded, ValueError) as error:
            # ValueError: httpx reads the address of a redirect that it is not to follow, and may stumble over it.
            return _what_became_of_it(error, seconds, min(self.timeouts.connect, seconds))

    def _received(self, http: httpx.Client, request: Request, identity: Mapping[str, str], seconds: float) -> Response | ApiError:
        if self._carrier is not None:
            request = self._carrier.wrapped(request)
        headers = {**self._headers, **identity}
        if request.body is not None:
            headers["content-type"] = "application/json"
        outgoing = http.build_request(
            request.method,
            self._base + request.target,
            headers=headers,
            content=request.body,
            timeout=httpx.Timeout(
                connect=min(self.timeouts.connect, seconds),
                pool=min(self.timeouts.connect, seconds),
                read=min(self.timeouts.read, seconds),
                write=min(self.timeouts.read, seconds),
            ),
        )
        http_response = http.send(outgoing, stream=True)
        try:
            return self._response(http_response, identity)
        finally:
            http_response.close()

    def _response(self, http_response: httpx.Response, identity: Mapping[str, str]) -> Response | ApiError:
        status = http_response.status_code
        headers = {name.lower(): value for name, value in http_response.headers.items()}
        if status < httpx.codes.MULTIPLE_CHOICES:
            length = headers.get("content-length", "")
            if length.isdigit() and int(length[:20]) > MAX_RESPONSE_BYTES:
                return too_large(status=status)
            try:
                return Response(status, headers, self._body(http_response), _secrets_of(identity))
            except InvalidResponse as error:
                return error.with_(status=status)
        if status < httpx.codes.BAD_REQUEST:
            return error_from(Response(status, headers, b"")) or InvalidResponse("redirected", status=status)
        secrets = _secrets_of(identity)
        return Response(status, headers, _redacted(self._error_body(http_response), secrets), secrets)

    def _body(self, http_response: httpx.Response) -> bytes:
        if http_response.is_stream_consumed:  # a transport of our own answered with a body that is whole already
            return decoded([http_response.content], "")
        return decoded(self._chunks(http_response), http_response.headers.get("content-encoding", ""))

    def _error_body(self, http_response: httpx.Response) -> bytes:
        """What can be had of it: the status alone says what happened."""
        chunks: list[bytes] = []
        try:
            if http_response.is_stream_consumed:
                return http_response.content[:_MAX_ERROR_BODY]
            for chunk in self._chunks(http_response):
                chunks.append(chunk)
                if sum(map(len, chunks)) > _MAX_ERROR_BODY:
                    break
        except (httpx.HTTPError, DeadlineExceeded):
            pass
        try:
            return decoded(chunks, http_response.headers.get("content-encoding", ""), limit=4 * _MAX_ERROR_BODY)
        except InvalidResponse:
            return b""

    def _chunks(self, http_response: httpx.Response) -> Iterator[bytes]:
        for chunk in http_response.iter_raw():
            self._deadline.check()
            yield chunk

    def _opened(self) -> httpx.Client:
        """One more connection, made when it is needed: reading certificates takes time, and the environment may be wrong."""
        if self._shared is not None:
            return self._shared
        if self._transport is None and self._verify is True:
            try:
                self._verify = httpx.create_ssl_context()  # once: the connections share it
            except OSError:
                raise Unreachable(
                    "the certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read", reason="tls"
                ) from None
        try:
            http = httpx.Client(
                transport=self._transport,
                verify=self._verify,
                limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=5.0),
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
                follow_redirects=False,
            )
        except (ValueError, TypeError, ImportError, httpx.InvalidURL):
            raise Unreachable(
                "the proxy that the environment names cannot be used (HTTPS_PROXY, ALL_PROXY, …)", reason="proxy"
            ) from None
        _keep_to(self._deadline, http)
        if self._transport is not None:
            self._shared = http  # there is one transport, and it is closed with its client
        return http


def _keep_to(deadline: Deadline, http: httpx.Client) -> None:
    """Put the deadline under a connection.

    httpx has no argument for it. Where its insides change the read time-out is what is left, and a test with a slow server fails.
    """
    for transport in (http._transport, *http._mounts.values()):  # noqa: SLF001
        pool: Any = getattr(transport, "_pool", None)
        backend = getattr(pool, "_network_backend", None)
        if backend is not None:
            pool._network_backend = Backend(backend, deadline)  # noqa: SLF001


def _what_became_of_it(error: Exception, seconds: float, connect: float) -> ApiError:
    """Only these are certain to come before the request is sent; after any other the server may have acted."""
    match error:
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout() | httpx.ProxyError():
            return _not_sent(error, connect)
        case httpx.UnsupportedProtocol() | httpx.InvalidURL():
            return Unreachable("the address cannot be used")
        case httpx.TimeoutException() | DeadlineExceeded():
            return LostResponse(f"no whole response within {seconds:.3g} s")
    return LostResponse(f"the connection broke before the whole response was there ({_last_words(error)})")


def _not_sent(error: Exception, seconds: float) -> Unreachable:
    cause = _cause(error)
    known: Iterator[Reason] = (
        reason for kinds, reason in _REASONS.items() if isinstance(error, kinds) or isinstance(cause, kinds)
    )
    reason: Reason = next(known, "other")
    sentence = _SENTENCES[reason].format(words=_last_words(cause), seconds=f"{seconds:.3g}")
    return Unreachable(sentence, reason=reason)


def _cause(error: BaseException) -> BaseException:
    """The operating system's own error: httpx and httpcore wrap it, the one as a cause and the other as a context."""
    while not isinstance(error, OSError) and (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error


def _last_words(error: BaseException) -> str:
    words = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or str(error)
    return printable(words, 120) or type(error).__name__


def _secrets_of(identity: Mapping[str, str]) -> frozenset[str]:
    spelt = (secret for value in identity.values() for secret in (value, value.rpartition(" ")[2]))
    return frozenset(secret for secret in spelt if len(secret) >= SECRET_MIN_LENGTH)


def _redacted(body: bytes, secrets: Iterable[str]) -> bytes:
    """An error page may print the request that it was sent. Before it is cut, lest half a token be left at its end."""
    return redact(body.decode("latin-1"), secrets).encode("latin-1")


def _checked(base_url: str) -> str:
    try:
        url = urlsplit(base_url)
        usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("the base URL is not one of http or https")
    return base_url.rstrip("/")

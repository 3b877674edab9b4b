"""HTTP client of one installation: credentials, one request, one response or the error that says what became of the request.

It does not retry (:mod:`.retry`), except after a 401 with refreshed credentials. It does not judge a status (:mod:`.errors`),
follows no redirect and keeps no cookie.

No exception of the HTTP library leaves this file, not even as the context of ours: it holds the request, and with it the token.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx

from pulumi_atlassian_forge.redaction import SECRET_MIN_LENGTH

from .body import ACCEPTED, MAX_RESPONSE_BYTES, decompress, too_large
from .connection_pool import HTTP_ERRORS, ConnectionPool, Deadline, Timeouts, connection_opener, error_from_http
from .errors import ApiError, InvalidResponse, Unauthorized, Unreachable, error_from
from .network_environment import proxy_for
from .rate_limiter import RequestGate
from .request_response import Request, Response

__all__ = ["Client", "Timeouts"]

_HEADER_VALUE: Final = re.compile(r"[!-~](?:[ \t!-~]*[!-~])?")  # RFC 9110, section 5.5, limited to ASCII
_CONNECTIONS: Final = 16
_MAX_ERROR_BYTES: Final = 65_536  # of an error only the message matters, and it stands at the top


Obtain = Callable[[], Mapping[str, str]]  # returns the credentials of one request


class Auth(Protocol):
    """Source of the headers with the credentials. Called by many threads."""

    def headers(self, request: Request) -> Mapping[str, str]:
        """The headers for one request; raises ApiError if there are no credentials."""

    def refreshed(self, refused: Mapping[str, str]) -> bool:
        """Refresh the credentials after a 401 to the ``refused`` headers; returns whether the headers are different now."""


class FixedHeaders:
    """The same headers for each request; they hold no secret. The emulator in this process needs none."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def headers(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002 - the protocol's form
        """These headers."""
        return self._values

    def refreshed(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - the protocol's form
        """False: they never change."""
        return False


def require_sendable(values: Iterable[str]) -> None:
    """Raise Unauthorized if headers cannot hold these values."""
    if not all(map(_HEADER_VALUE.fullmatch, values)):
        problem = "it is empty, or holds a line break, a space at its end or a character beyond ASCII"
        raise Unauthorized(f"the token cannot be sent: {problem}")


class RequestEnvelope(Protocol):
    """Wraps requests for an intermediary, and unwraps its responses."""

    def wrap(self, request: Request) -> Request:
        """The request to the intermediary that holds this one."""

    def unwrap(self, response: Response) -> Response:
        """The response of the API in one of the intermediary; raises ApiError if it holds none."""


class Client:
    """HTTP client of one installation, shared by all threads of a process. A ``base_url`` that is none is a ValueError.

    An ``envelope`` wraps each request, if an intermediary relays it. Each request enters the ``gate`` after its credentials were
    obtained; if it is closed, the request is not sent. ``verified`` returns the credentials of a write, which it obtains with the
    function that it gets; it raises ApiError if they must not be used. A ``transport`` is used in place of the network (the
    emulator, tests). ``verify`` holds the certificates to trust; by default those of the environment.
    """

    def __init__(  # noqa: PLR0913 - what a client needs, and what a test sets
        self,
        base_url: str,
        auth: Auth,
        *,
        timeouts: Timeouts | None = None,
        envelope: RequestEnvelope | None = None,
        gate: RequestGate | None = None,
        verified: Callable[[Obtain], Mapping[str, str]] | None = None,
        transport: httpx.BaseTransport | None = None,
        user_agent: str = "pulumi-atlassian-forge",
        verify: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.timeouts = timeouts or Timeouts()
        self._base = _checked(base_url)
        self._auth = auth
        self._envelope = envelope
        self._gate = gate or RequestGate()
        self._verified = verified
        self._headers = {"accept": "application/json", "accept-encoding": ACCEPTED, "user-agent": user_agent}
        self._clock = clock
        opened = connection_opener(self._base, verify)
        self._is_given = transport is not None
        self._connections = ConnectionPool(lambda: transport or opened(), _CONNECTIONS)

    def __repr__(self) -> str:
        return f"Client({self._base!r})"

    def send(self, request: Request, within: float | None = None) -> Response:
        """Send a request, and once more after a 401 with credentials that were refreshed: it was not carried out.

        A register is not sent again: with other credentials it may reach another installation, which its caller has to verify.

        It has ``within`` seconds, but at most ``connect + read``. The response is returned whatever its status.

        Raises:
            Unreachable: It was not sent.
            Unauthorized: No header can hold the credentials; or they were refreshed, and the request is a register.
            LostResponse: It was sent, and no whole response came in time.
            InvalidResponse: The response is a redirect, too large, or damaged.
        """
        seconds = self.timeouts.connect + self.timeouts.read
        seconds = seconds if within is None else min(seconds, within)
        credentials = self._credentials_for(request)
        response = self._send_once(request, credentials, seconds)
        if response.status != HTTPStatus.UNAUTHORIZED or not self._auth.refreshed(credentials):
            return response
        if not request.is_idempotent:
            raise Unauthorized("the token had expired and was refreshed", status=response.status, is_refreshed=True)
        return self._send_once(request, self._credentials_for(request), seconds)

    def send_once(self, request: Request, credentials: Mapping[str, str]) -> Response:
        """Send a read once with these credentials, also if the response is a 401. Raises as :meth:`send`."""
        return self._send_once(request, credentials, self.timeouts.connect + self.timeouts.read)

    def close(self) -> None:
        """Close the connections, each when no request uses it. The client cannot be used after that."""
        self._connections.close()

    def _credentials_for(self, request: Request) -> Mapping[str, str]:
        def obtain() -> Mapping[str, str]:
            return self._auth.headers(request)

        return obtain() if self._verified is None or request.method == "GET" else self._verified(obtain)

    def _send_once(self, request: Request, credentials: Mapping[str, str], seconds: float) -> Response:
        secrets = _secrets_of(credentials)
        connect_s = min(self.timeouts.connect, seconds)
        try:
            require_sendable(credentials.values())
            outgoing = self._outgoing(request if self._envelope is None else self._envelope.wrap(request), credentials, seconds)
            with self._gate.enter() as is_open:
                if not is_open:
                    raise Unreachable("the engine has ended, so no request is sent any more")
                lent = self._connections.borrow(connect_s, is_new=request.needs_new_connection)
                with lent as connection, closing(connection.handle_request(outgoing)) as incoming:
                    response = _read(incoming, outgoing.extensions["deadline"], secrets)
            return response if self._envelope is None else self._envelope.unwrap(response)
        except ApiError as error:
            failure = error.redacted(secrets)
        except HTTP_ERRORS as error:
            proxy = None if self._is_given else proxy_for(self._base)
            failure = error_from_http(error, seconds, connect_s, proxy).redacted(secrets)
        failure.__context__ = None
        raise failure.with_traceback(None)

    def _outgoing(self, request: Request, credentials: Mapping[str, str], seconds: float) -> httpx.Request:
        headers = {**self._headers, **credentials}
        if request.body is not None:
            headers["content-type"] = "application/json"
        connect, read = min(self.timeouts.connect, seconds), min(self.timeouts.read, seconds)
        return httpx.Request(
            request.method,
            self._base + request.target,
            headers=headers,
            content=request.body,
            extensions={
                "timeout": {"connect": connect, "pool": connect, "read": read, "write": read},
                "deadline": Deadline(seconds, self._clock),
            },
        )


def _read(incoming: httpx.Response, deadline: Deadline, secrets: frozenset[str]) -> Response:
    """The response with its whole body, decompressed; a redirect, which is not followed, is an error."""
    status = incoming.status_code
    headers = {name.lower(): value for name, value in incoming.headers.items()}
    encoding = headers.get("content-encoding", "")
    if status < HTTPStatus.MULTIPLE_CHOICES:
        length = headers.get("content-length", "")
        if length.isdigit() and int(length[:20]) > MAX_RESPONSE_BYTES:
            raise too_large(status=status)
        try:
            return Response(status, headers, decompress(_chunks(incoming, deadline), encoding), secrets)
        except InvalidResponse as error:
            raise error.with_(status=status) from None
    if status < HTTPStatus.BAD_REQUEST:
        raise error_from(Response(status, headers, b"")) or InvalidResponse("redirected", status=status)
    # An error page may print the request that it was sent: what shows a part of it redacts the secrets first.
    return Response(status, headers, _error_body(incoming, encoding, deadline), secrets)


def _error_body(incoming: httpx.Response, encoding: str, deadline: Deadline) -> bytes:
    """As much of it as arrives: the status alone says what happened."""
    chunks: list[bytes] = []
    with suppress(*HTTP_ERRORS):
        for chunk in _chunks(incoming, deadline):
            chunks.append(chunk)
            if sum(map(len, chunks)) > _MAX_ERROR_BYTES:
                break
    try:
        return decompress(chunks, encoding, limit=4 * _MAX_ERROR_BYTES)
    except InvalidResponse:
        return b""


def _chunks(incoming: httpx.Response, deadline: Deadline) -> Iterator[bytes]:
    assert isinstance(incoming.stream, httpx.SyncByteStream)  # noqa: S101 - not an asynchronous one
    for chunk in incoming.stream:
        deadline.left()
        yield chunk


def _secrets_of(credentials: Mapping[str, str]) -> frozenset[str]:
    values = (secret for value in credentials.values() for secret in (value, value.rpartition(" ")[2]))
    return frozenset(secret for secret in values if len(secret) >= SECRET_MIN_LENGTH)


def _checked(base_url: str) -> str:
    try:
        url = urlsplit(base_url)
        is_usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ValueError("the base URL is not one of http or https")
    return base_url.rstrip("/")

"""Errors of the API, one class for each cause, and the error for an HTTP status.

::

    ApiError                        outcome
    ├── Unreachable                 NOT_APPLIED  not sent: refused, connect time-out, DNS, TLS, proxy (``reason``)
    ├── LostResponse                UNKNOWN      sent, but no complete response arrived: time-out, reset, cut
    ├── InvalidResponse             UNKNOWN      an unusable response: unreadable, too large, wrong shape, redirect, cursor loop
    │   └── UnreadableModule        UNKNOWN      the module is there, but its content cannot be used
    ├── InternalError               UNKNOWN      a bug of this package, met after a request may have been sent
    ├── OutOfTime                   NOT_APPLIED  not sent: no time was left of the operation
    ├── Unauthorized   401, 403     NOT_APPLIED  also credentials that no header can hold (then without a status)
    ├── NotFound       404, 410     NOT_APPLIED
    ├── Rejected       other 4xx    NOT_APPLIED  400, 409, 413, 422 …: the server understood the request and refused it
    ├── Throttled      429          NOT_APPLIED  ``retry_after``
    └── ServerFailure  5xx          UNKNOWN      ``retry_after``

The table shows the outcome of one request. An operation may send several: code that knows more about the whole operation raises
the copy that :meth:`ApiError.with_` makes. An error is never changed after it was raised, because threads share errors.
"""

from __future__ import annotations

import enum
import json
import time
import traceback
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, Literal, Self, TypedDict, Unpack
from urllib.parse import urlsplit

from pulumi_atlassian_forge.redaction import redact, redact_beginning

from .request_response import Response
from .text import message_from_body, printable

Reason = Literal["refused", "timeout", "dns", "tls", "proxy", "other"]


_PACKAGE: Final = "pulumi_atlassian_forge/"


class Outcome(enum.Enum):
    """Whether the server carried a failed operation out. Only ``NOT_APPLIED`` allows a register to be retried unverified."""

    NOT_APPLIED = enum.auto()
    UNKNOWN = enum.auto()
    APPLIED = enum.auto()


class _Known(TypedDict, total=False):
    """What is known about a failed operation."""

    outcome: Outcome  # by default that of the class
    status: int | None  # the HTTP status, if a response arrived
    retry_after: float | None  # seconds to wait as the server requested, not capped; None if it did not say
    attempts: int  # how many requests were sent
    waited: float  # seconds since the operation began, pauses included
    code: str | None  # of the message that the user reads, if this kind of failure has one


class ApiError(Exception):
    """An operation that failed. ``message`` is the server's own text if there is any, else ours, as one printable line."""

    outcome = Outcome.NOT_APPLIED
    status: int | None = None
    retry_after: float | None = None
    attempts = 1
    waited = 0.0
    code: str | None = None

    def __init__(self, message: str, **known: Unpack[_Known]) -> None:
        self.message = printable(message)
        self.__dict__.update(known)
        super().__init__(self.message)

    def with_(self, **known: Unpack[_Known]) -> Self:
        """A copy that knows more; what is not given stays. The error itself if that changes nothing."""
        return self._copy(known)

    def redacted(self, secrets: Iterable[str]) -> Self:
        """A copy without the secrets, which a server may have echoed in the message. The error itself if it holds none."""
        return self._copy({"message": redact(self.message, secrets)})

    def _copy(self, changes: Mapping[str, Any]) -> Self:
        if all(getattr(self, name) == value for name, value in changes.items()):
            return self
        copied = type(self).__new__(type(self))  # without __init__: subclasses have arguments of their own
        copied.__dict__.update(self.__dict__, **changes)
        copied.args = (copied.message,)
        return copied

    def __str__(self) -> str:
        return self.message if self.status is None else f"HTTP {self.status}: {self.message}"


class Unreachable(ApiError):
    """The request was not sent; ``reason`` says why (``timeout``: no connection in time)."""

    def __init__(self, message: str, *, reason: Reason = "other", **known: Unpack[_Known]) -> None:
        super().__init__(message, **known)
        self.reason = reason
        self.code = {"proxy": "AF204", "tls": "AF205"}.get(reason)


class LostResponse(ApiError):
    """The request was sent, but no complete response arrived."""

    outcome = Outcome.UNKNOWN


class InvalidResponse(ApiError):
    """A response arrived that cannot be used; ``transient`` if it is damaged, so that a retry may help."""

    outcome = Outcome.UNKNOWN

    def __init__(self, message: str, *, transient: bool = False, **known: Unpack[_Known]) -> None:
        super().__init__(message, **known)
        self.transient = transient


class UnreadableModule(InvalidResponse):
    """The module exists, but its content cannot be used: neither compared nor stored."""

    code = "AF201"


class InternalError(ApiError):
    """A bug of this package, met after a request may have been sent. It names the exception and the line, and shows no value.

    Every write can fail like this, so that no bug keeps a verification read from being made.
    """

    outcome = Outcome.UNKNOWN
    code = "AF202"

    def __init__(self, error: BaseException) -> None:
        ours = [frame for frame in traceback.extract_tb(error.__traceback__) if _PACKAGE in frame.filename]
        where = f" at {ours[-1].filename.rpartition(_PACKAGE)[2]}:{ours[-1].lineno}" if ours else ""
        super().__init__(f"a bug in pulumi-atlassian-forge: {type(error).__name__}{where}")


class OutOfTime(ApiError):
    """The time of an operation was over before this request could be sent."""

    code = "AF206"


class Unauthorized(ApiError):
    """401 or 403: the token is not valid for this installation, or has expired. ``is_from_relay``: the relay refused the caller.

    If ``is_refreshed``, there are other credentials now. A register is not retried with them automatically: they may belong to
    another installation, which its caller has to verify.
    """

    def __init__(self, message: str, *, is_from_relay: bool = False, is_refreshed: bool = False, **known: Unpack[_Known]) -> None:
        super().__init__(message, **known)
        self.is_from_relay = is_from_relay
        self.is_refreshed = is_refreshed


class NotFound(ApiError):
    """404 or 410: no module has this key, or there is no such API."""


class Rejected(ApiError):
    """Another 4xx: the server understood the request and refused it."""


class Throttled(ApiError):
    """429: too many requests."""


class ServerFailure(ApiError):
    """5xx: the server failed, possibly after it carried the request out; that holds for a 503 too."""

    outcome = Outcome.UNKNOWN


RELAY: Final = "x-relay"
"""The header that marks the responses of a web-trigger relay: those that it relayed, and its own (``auth/relay.py``)."""

REFUSED: Final = "refused"
"""The value of that header if the relay refused the caller."""

_MESSAGE_READ: Final = 65_536  # characters of a message that are searched for secrets; a few hundred are shown

_UNAUTHORIZED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_MISSING: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)

# ``message`` is documented; gateways, and other APIs of Atlassian, use the other names.
_MESSAGE_NAMES: Final = ("message", "errorMessage", "error_description", "errorMessages", "detail", "title", "error", "errors")


def error_from(response: Response, *, now: float | None = None) -> ApiError | None:
    """The error that a response stands for, by its status; None for a success (2xx). ``now`` is for :func:`retry_after_of`."""
    status = response.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return InvalidResponse(_redirect_message(response.headers.get("location", "")), status=status)
    if not HTTPStatus.BAD_REQUEST <= status <= 599:  # noqa: PLR2004 - the last status
        return InvalidResponse("a response with this status is not one of this API", status=status)
    message = server_message(response)
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = Throttled if status == HTTPStatus.TOO_MANY_REQUESTS else ServerFailure
        return kind(message, status=status, retry_after=retry_after_of(response.headers, time.time() if now is None else now))
    if status in _UNAUTHORIZED:
        return Unauthorized(message, status=status, is_from_relay=response.headers.get(RELAY) == REFUSED)
    return (NotFound if status in _MISSING else Rejected)(message, status=status)


def server_message(response: Response) -> str:
    """The message in an error response: that of its JSON, else the text of its body, else the name of its status."""
    try:
        message = _message_in(json.loads(response.body))
    except (ValueError, RecursionError):
        message = ""
    text = printable(redact_beginning(message, _MESSAGE_READ, response.secrets))
    return text or message_from_body(response.body, response.secrets) or _phrase(response.status)


def retry_after_of(headers: Mapping[str, str], now: float) -> float | None:
    """The ``Retry-After`` of a response in seconds (RFC 9110, section 10.2.3); None if it is missing or unreadable.

    If it is a date, it is compared with the server's own ``Date`` header, because clocks differ, or else with ``now``.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    until = _timestamp(text)
    if until is None:
        return None
    sent = _timestamp(headers.get("date", ""))
    return max(0.0, until - (now if sent is None else sent))


def _timestamp(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _message_in(body: Any) -> str:
    """The first message in it: a gateway may wrap the error of another one."""
    for _ in range(4):
        if isinstance(body, list):
            body = body[0] if body else None
        elif isinstance(body, dict):
            body = next((body[name] for name in _MESSAGE_NAMES if body.get(name)), None)
        else:
            break
    return body if isinstance(body, str) else ""


def _redirect_message(location: str) -> str:
    try:
        host = urlsplit(location).hostname
    except ValueError:
        host = None
    target = f"to {printable(host, 100)}" if host else "elsewhere"
    return f"redirected {target}, which is not followed: the token is for this address only"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no text"

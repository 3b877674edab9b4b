"""What can come of a request, named by what it means.

::

    ApiError                        processed
    ├── Unreachable                 no        not sent: refused, time-out of the connection, DNS, TLS, proxy (``reason``)
    ├── LostAnswer                  unknown   sent, but no whole response came: time-out, reset, cut
    ├── BadAnswer                   unknown   a response of no use: unreadable, too large, wrong shape, redirect, cursor loop
    ├── Unauthorized   401, 403     no        also credentials that no header can carry (then without a status)
    ├── NotFound       404          no
    ├── Rejected       other 4xx    no        400, 409, 413, 422 …: the server understood and refused
    ├── Throttled      429          no        ``retry_after``
    └── ServerFailure  5xx          unknown   ``retry_after``

``processed`` says whether the server may have carried the request out. Recovery hangs on it: where it is "no" a register can
simply be repeated, where it is "unknown" somebody has to look first (design decision 5).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, ClassVar, Final, Literal
from urllib.parse import urlsplit

from pulumi_atlassian_forge.errors import redact

from .request_response import Response
from .text import message_from_body, printable

Processed = Literal["no", "unknown", "yes"]
Reason = Literal["refused", "timeout", "dns", "tls", "proxy", "busy", "other"]


class ApiError(Exception):
    """A request that did not bring what it was made for.

    Attributes:
        message: The server's own words where there are any, else ours; one line of at most 300 characters, safe to print.
        status: The HTTP status, where a response came.
        attempts: How often the request was made.
        waited: Seconds since the operation began, pauses included.
        may_be_ours: Whether an earlier attempt may have been carried out: then a 404 may be what our own delete left.
        came_before: Whether this was a look before the request that changes something, which was not sent.
    """

    _processed: ClassVar[Processed] = "no"

    def __init__(self, message: str, *, status: int | None = None) -> None:
        self.message = printable(message)
        self.status = status
        self.attempts = 1
        self.waited = 0.0
        self.may_be_ours = False
        self.came_before = False
        super().__init__(self.message)

    @property
    def processed(self) -> Processed:
        """Whether the server may have carried the request out."""
        return self._processed

    @property
    def is_certain(self) -> bool:
        """Whether nothing was changed, whatever attempt one looks at."""
        return self.came_before or (self.processed == "no" and not self.may_be_ours)

    def redact(self, secrets: Iterable[str]) -> None:
        """Replace each secret in the message, which a server may have put there in any spelling."""
        self.message = redact(self.message, secrets)
        self.args = (self.message,)

    def __str__(self) -> str:
        return self.message if self.status is None else f"HTTP {self.status}: {self.message}"


class Unreachable(ApiError):
    """The request was not sent.

    Attributes:
        reason: What stood in the way: ``refused``, ``timeout`` (no connection in time), ``dns``, ``tls``, ``proxy``, ``busy``
            (none of our own connections was free in time) or ``other``.
    """

    def __init__(self, message: str, *, status: int | None = None, reason: Reason = "other") -> None:
        super().__init__(message, status=status)
        self.reason = reason


class LostResponse(ApiError):
    """The request was sent, but no whole response came back."""

    _processed = "unknown"


class InvalidResponse(ApiError):
    """A response came that cannot be used.

    Attributes:
        transient: Whether asking again may help: garbage on the way may, a wrong shape or a redirect will not.
    """

    _processed = "unknown"

    def __init__(self, message: str, *, status: int | None = None, transient: bool = False) -> None:
        super().__init__(message, status=status)
        self.transient = transient


class Unauthorized(ApiError):
    """401 or 403: the token is not one for the target installation, or has ended.

    Attributes:
        is_of_relay: Whether the relay refused the caller, and nobody the app.
        is_renewed: Whether there are other credentials now. A register is not repeated with them by itself: they may lead to
            another installation, and its caller has to look.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message, status=status)
        self.is_from_relay = False
        self.is_refreshed = False


class NotFound(ApiError):
    """404: there is no module with this key, or no such API."""


class Rejected(ApiError):
    """Another 4xx: the server understood the request and refused it."""


class Throttled(ApiError):
    """429: too many requests.

    Attributes:
        retry_after: Seconds to wait by the server's own wish, not capped; None where it did not say.
    """

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class ServerFailure(ApiError):
    """5xx: the server failed, at any point of its work: a 503 too may come after it.

    Attributes:
        retry_after: Seconds to wait by the server's own wish, not capped; None where it did not say.
    """

    _processed = "unknown"

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


RELAY: Final = "x-relay"
"""The header that tells the responses of a relay: those that it relayed, and its own (:mod:`.relay`)."""

REFUSED: Final = "refused"
"""What it says where the relay has refused the caller."""

_BEYOND: Final = 600  # the last class of statuses ends here
_REFUSALS: Final[Mapping[int, type[ApiError]]] = {
    HTTPStatus.UNAUTHORIZED: Unauthorized,
    HTTPStatus.FORBIDDEN: Unauthorized,
    HTTPStatus.NOT_FOUND: NotFound,
}

# ``message`` is documented (spec); the others are what gateways on the way and sibling APIs of Atlassian write.
_WORDS: Final = ("message", "errorMessage", "error_description", "errorMessages", "detail", "title", "error", "errors")


def error_from(response: Response, *, now: float | None = None) -> ApiError | None:
    """What went wrong, by status.

    Args:
        response: Any response.
        now: Seconds since the epoch, for a ``Retry-After`` that is a date without a ``Date`` beside it; by default the clock's.

    Returns:
        The error, not yet raised; None for a success (2xx).
    """
    status = response.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return InvalidResponse(_redirect(response.headers.get("location", "")), status=status)
    if not HTTPStatus.BAD_REQUEST <= status < _BEYOND:
        return InvalidResponse("a response with this status is not one of this API", status=status)
    words = said(response)
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        retry_after = retry_after_of(response.headers, time.time() if now is None else now)
        busy = Throttled if status == HTTPStatus.TOO_MANY_REQUESTS else ServerFailure
        return busy(words, status=status, retry_after=retry_after)
    failure = _REFUSALS.get(status, Rejected)(words, status=status)
    if isinstance(failure, Unauthorized):
        failure.is_from_relay = response.headers.get(RELAY) == REFUSED
    return failure


def said(response: Response) -> str:
    """The server's own words.

    ``{"message"}`` (spec) and ``{"type", "code", "message"}`` (docs:apis-reference/installation-details-api), else the text of
    whatever the body is, else the name of the status.
    """
    try:
        words = _words_in(json.loads(response.body))
    except (ValueError, RecursionError):
        words = ""
    # Before it is cut, lest half a token be left at its end.
    return printable(redact(words, response.secrets)) or message_from_body(response.body) or _name(response.status)


def retry_after_of(headers: Mapping[str, str], now: float) -> float | None:
    """The pause that the server asks for (RFC 9110, section 10.2.3): seconds, or a date.

    A date is measured against the server's own ``Date`` where there is one: clocks differ.

    Args:
        headers: The response's headers, names in lower case.
        now: Seconds since the epoch.

    Returns:
        Seconds, at least 0; None where the header is missing or cannot be read.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    moment = _date(text)
    if moment is None:
        return None
    sent = _date(headers.get("date", ""))
    return max(0.0, moment - (now if sent is None else sent))


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _words_in(body: Any) -> str:
    """The first words found; gateways like to wrap an error once more, never often."""
    for _ in range(4):
        if isinstance(body, list):
            body = body[0] if body else None
        elif isinstance(body, dict):
            body = next((body[name] for name in _WORDS if body.get(name)), None)
        else:
            break
    return body if isinstance(body, str) else ""


def _redirect(location: str) -> str:
    try:
        host = urlsplit(location).hostname
    except ValueError:
        host = None
    where = f"to {printable(host, 100)}" if host else "elsewhere"
    return f"redirected {where}, which is not followed: the token is for this address only"


def _name(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no text"

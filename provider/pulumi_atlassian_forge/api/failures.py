"""From an answer that reports a failure to an error of the tree in :mod:`.errors`. Pure."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from pulumi_atlassian_forge.errors import redact

from .errors import ApiError, BadAnswer, NotFound, Rejected, ServerFailure, Throttled, Unauthorized
from .exchange import Answer
from .text import clean, readable

BRIDGE: Final = "x-bridge"
"""The header that tells the answers of a bridge: those that it relayed, and its own (:mod:`.bridge`)."""

REFUSED: Final = "refused"
"""What it says where the bridge has refused the caller."""

_BEYOND: Final = 600  # the last class of statuses ends here
_REFUSALS: Final[Mapping[int, type[ApiError]]] = {
    HTTPStatus.UNAUTHORIZED: Unauthorized,
    HTTPStatus.FORBIDDEN: Unauthorized,
    HTTPStatus.NOT_FOUND: NotFound,
}

# ``message`` is documented (spec); the others are what gateways on the way and sibling APIs of Atlassian write.
_WORDS: Final = ("message", "errorMessage", "error_description", "errorMessages", "detail", "title", "error", "errors")


def failure_of(answer: Answer, *, now: float | None = None) -> ApiError | None:
    """What went wrong, by status.

    Args:
        answer: Any answer.
        now: Seconds since the epoch, for a ``Retry-After`` that is a date without a ``Date`` beside it; by default the clock's.

    Returns:
        The error, not yet raised; None for a success (2xx).
    """
    status = answer.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return BadAnswer(_redirect(answer.headers.get("location", "")), status=status)
    if not HTTPStatus.BAD_REQUEST <= status < _BEYOND:
        return BadAnswer("an answer with this status is not one of this API", status=status)
    words = said(answer)
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        retry_after = retry_after_of(answer.headers, time.time() if now is None else now)
        busy = Throttled if status == HTTPStatus.TOO_MANY_REQUESTS else ServerFailure
        return busy(words, status=status, retry_after=retry_after)
    failure = _REFUSALS.get(status, Rejected)(words, status=status)
    if isinstance(failure, Unauthorized):
        failure.is_of_bridge = answer.headers.get(BRIDGE) == REFUSED
    return failure


def said(answer: Answer) -> str:
    """The server's own words.

    ``{"message"}`` (spec) and ``{"type", "code", "message"}`` (docs:apis-reference/installation-details-api), else the text of
    whatever the body is, else the name of the status.
    """
    try:
        words = _words_in(json.loads(answer.body))
    except (ValueError, RecursionError):
        words = ""
    # Before it is cut, lest half a token be left at its end.
    return clean(redact(words, answer.secrets)) or readable(answer.body) or _name(answer.status)


def retry_after_of(headers: Mapping[str, str], now: float) -> float | None:
    """The pause that the server asks for (RFC 9110, section 10.2.3): seconds, or a date.

    A date is measured against the server's own ``Date`` where there is one: clocks differ.

    Args:
        headers: The answer's headers, names in lower case.
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
    where = f"to {clean(host, 100)}" if host else "elsewhere"
    return f"redirected {where}, which is not followed: the token is for this address only"


def _name(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no text"

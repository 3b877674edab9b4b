"""What a token command printed, and how long a token will do."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pulumi_atlassian_forge.api.auth import Token
from pulumi_atlassian_forge.api.body import read_json
from pulumi_atlassian_forge.api.claims import NEVER, end_of
from pulumi_atlassian_forge.api.errors import BadAnswer

SOON: Final = 600.0
"""Seconds that a run of some size takes: a token that ends within them is worth a word."""

_KNOWN: Final = ("token", "expiresAt", "installationId")


class NoTokenError(Exception):
    """What was printed is no token; the text says what it is, and shows none of it."""


def token_of(printed: str) -> Token:
    """The token in what a command printed: the token alone, or JSON with ``token`` and what is known of it.

    Raises:
        NoTokenError: It is neither.
    """
    text = printed.strip()
    if not text:
        raise NoTokenError("printed nothing")
    if text.startswith("{"):
        return _token_in_json(text)
    if text.startswith("<"):
        raise NoTokenError("printed HTML, and not a token: a login page, or an error of a gateway")
    lines = text.splitlines()
    if len(lines) > 1:
        raise NoTokenError(f"printed {len(lines)} lines: only the token, or one JSON object, may be on its standard output")
    return Token(text, end_of(text))


def warn_of_end(token: Token, say: Callable[[str], None], now: Callable[[], float] = time.time) -> None:
    """Say so where a token ends before a long run would."""
    if token.ends_at is None:
        return
    left = token.ends_at - now()
    if 0 < left < SOON:  # one that has ended is refused, and that says it all
        say(f"the token ends in {left:.0f} s, and a long run may outlive it: it is looked for anew then")


def _token_in_json(text: str) -> Token:
    try:
        printed = read_json(text.encode())
    except BadAnswer:
        raise NoTokenError("printed something that begins like JSON, and is none") from None
    if not isinstance(printed, Mapping) or not isinstance(printed.get("token"), str) or not printed["token"].strip():
        raise NoTokenError(f"printed JSON without a text 'token'; known: {', '.join(_KNOWN)}")
    token, installation = printed["token"].strip(), printed.get("installationId")
    if not (installation is None or isinstance(installation, str)):
        raise NoTokenError("printed an 'installationId' that is not a text")
    return Token(token, _end(printed.get("expiresAt")) or end_of(token), (installation or "").strip() or None)


def _end(value: Any) -> float | None:
    """RFC 3339, or seconds since the epoch."""
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value) if value < NEVER else None
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        raise NoTokenError("printed an 'expiresAt' that is neither RFC 3339 nor seconds since 1970") from None

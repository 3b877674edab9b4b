"""A token of the installed app, sent as ``Authorization: Bearer …``: obtained when needed, refreshed before it expires."""

from __future__ import annotations

import base64
import binascii
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from pulumi_atlassian_forge.api.auth import require_sendable
from pulumi_atlassian_forge.api.errors import ApiError, Unauthorized
from pulumi_atlassian_forge.api.request_response import Request
from pulumi_atlassian_forge.config.settings import names_its_scheme

REFRESH_BEFORE_EXPIRY_S: Final = 60.0
"""Seconds before its end from which on another token is looked for, and between two such looks."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token of the installed app.

    Attributes:
        text: The token itself; no ``repr`` shows it.
        ends_at: When it ends, in seconds since the epoch; None where that is not known.
        installation: The id of the installation that it is for, where its source tells.
    """

    text: str = field(repr=False)
    expires_at: float | None = None
    installation: str | None = None


class BearerToken:
    """A token, sent as ``Authorization: Bearer …`` (docs:remote/calling-product-apis).

    It is obtained when it is first needed, shortly before it ends, and after a 401: by one thread, for all.

    Args:
        obtain: Returns the token of the installed app. The token is shown by nothing and cannot be pickled: it ends up in no
            state and no log.
        on_renewal: Called when another token is used from now on.
        on_first: Called with the first token.
        clock: Seconds since the epoch.
    """

    __slots__ = ("_clock", "_lock", "_next_look", "_obtain", "_on_first", "_on_renewal", "_tokens")

    def __init__(
        self,
        obtain: Callable[[], Token],
        on_refresh: Callable[[], None] = lambda: None,
        on_first: Callable[[Token], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._obtain = obtain
        self._on_renewal = on_refresh
        self._on_first = on_first
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: list[Token] = []  # all that there were: each has to be redacted
        self._next_look = 0.0

    def headers(self, request: Request) -> Mapping[str, str]:
        """The header with the token.

        Raises:
            Unauthorized: There is no token; or there is another one now, and the request is one that its caller has to look at
                again (``is_refreshed``).
        """
        with self._lock:
            if self._current() and self._is_renewed_in_time() and not request.is_idempotent:
                raise Unauthorized("the token was about to end, and was renewed", is_refreshed=True)
            return _bearer(self._tokens[-1])

    def refreshed(self, refused: Mapping[str, str]) -> bool:
        """Obtain the token once more, unless another thread has just done so."""
        with self._lock:
            if self._tokens and _bearer(self._tokens[-1]) != refused:
                return True
            return self._took(self._obtained())

    def installation(self) -> str | None:
        """The id of the installation that the token is for, where its source tells.

        Raises:
            Unauthorized: There is no token.
        """
        with self._lock:
            return self._current().installation

    def expires_at(self) -> float | None:
        """When the token ends, in seconds since the epoch, where it or its source tells.

        Raises:
            Unauthorized: There is no token.
        """
        with self._lock:
            return self._current().expires_at

    def secrets(self) -> set[str]:
        """Every token that was obtained, for redaction."""
        return {token.text for token in self._tokens}

    def _current(self) -> Token:
        if not self._tokens:
            self._tokens.append(self._obtained())
            self._on_first(self._tokens[-1])
        return self._tokens[-1]

    def _obtained(self) -> Token:
        """Another token. What goes wrong may be told in words that hold the one in use."""
        try:
            return _sendable(self._obtain())
        except ApiError as error:
            failure = error
        raise failure.redacted(self.secrets())

    def _took(self, token: Token) -> bool:
        """Use this token from now on; False where it is the one that is in use.

        Raises:
            Unauthorized: It is another installation's: what was decided with the old one must not be carried out there.
        """
        if self._tokens and token.text == self._tokens[-1].text:
            return False
        known = {one.installation for one in (*self._tokens[-1:], token)} - {None}
        if len(known) > 1:
            raise Unauthorized("the token was renewed, and the new one is that of another installation")
        self._tokens.append(token)
        self._on_renewal()
        return True

    def _is_renewed_in_time(self) -> bool:
        """Whether there is another token, where this one ends. Whether it has ended is for the server to say: clocks differ."""
        expires_at, now = self._tokens[-1].expires_at, self._clock()
        if expires_at is None or now < max(expires_at - REFRESH_BEFORE_EXPIRY_S, self._next_look):
            return False
        self._next_look = now + REFRESH_BEFORE_EXPIRY_S
        try:
            return self._took(self._obtained())
        except Unauthorized:
            return False

    def __repr__(self) -> str:
        return "BearerToken(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a token is not to be pickled")


def _sendable(token: Token) -> Token:
    """One that is not sendable is not kept: the file that it came from may be half written."""
    more = names_its_scheme(token.text)
    if more is not None:
        raise Unauthorized(f"the token {more}")
    require_sendable([token.text])
    return token


def _bearer(token: Token) -> dict[str, str]:
    return {"authorization": f"Bearer {token.text}"}


_PARTS: Final = 3
NEVER: Final = 1e12
"""Seconds since the epoch that are no date, or one in milliseconds."""


def claims_of(token: str) -> dict[str, Any] | None:
    """The claims of a JWT; None for anything else."""
    parts = token.split(".")
    if len(parts) != _PARTS:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def expiry_of(token: str) -> float | None:
    """When a token ends, in seconds since the epoch; None where it does not say.

    A system token is opaque but for ``exp``, which the documents tell callers to read (docs:remote/calling-product-apis).
    """
    end = (claims_of(token) or {}).get("exp")
    return float(end) if isinstance(end, int | float) and not isinstance(end, bool) and 0 <= end < NEVER else None

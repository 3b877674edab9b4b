"""Bearer token of the installed app: sent as ``Authorization: Bearer …``, refreshed before it expires and after a 401."""

from __future__ import annotations

import base64
import binascii
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from pulumi_atlassian_forge.api.client import require_sendable
from pulumi_atlassian_forge.api.errors import Unauthorized
from pulumi_atlassian_forge.api.request_response import Request
from pulumi_atlassian_forge.config.settings import scheme_prefix_problem
from pulumi_atlassian_forge.redaction import remember

from .secret import CachedSecret

TIMESTAMP_MAX: Final = 1e12
"""Seconds since the epoch; a larger number is a time in milliseconds, or no time."""

_REFRESH_BEFORE_EXPIRY_S: Final = 60.0  # and between two attempts to refresh
_EXPIRY_WARNING_S: Final = 600.0  # a large run may take longer
_JWT_PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class Token:
    """A token of the installed app."""

    text: str = field(repr=False)
    expires_at: float | None = None  # in seconds since the epoch; None if that is not known
    installation: str | None = None  # the id of its installation, if its source tells


class BearerToken:
    """Credentials in the form of a bearer token, shared by all threads.

    It never appears in a ``repr`` and cannot be pickled, so that it ends up in no state and no log. ``on_first`` is called with
    the first token, ``on_refresh`` whenever another one takes its place.
    """

    __slots__ = ("_clock", "_lock", "_next_refresh", "_on_first", "_on_refresh", "_token")

    def __init__(
        self,
        obtain: Callable[[], Token],
        on_refresh: Callable[[], None] = lambda: None,
        on_first: Callable[[Token], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._token = CachedSecret(lambda: _require_sendable(obtain()), lambda token: token.text, self._on_change)
        self._on_refresh = on_refresh
        self._on_first = on_first
        self._clock = clock
        self._lock = threading.Lock()
        self._next_refresh = 0.0

    def headers(self, request: Request) -> Mapping[str, str]:
        """The header with the token; raises Unauthorized if there is none.

        Also if the token was just refreshed, and the request is a register: its caller has to verify the installation.
        """
        token = self._token.get()
        if self._refreshed_before_expiry(token):
            if not request.is_idempotent:
                raise Unauthorized("the token was about to expire and was refreshed", is_refreshed=True)
            token = self._token.get()
        return _header(token)

    def refreshed(self, refused: Mapping[str, str]) -> bool:
        """Obtain the token again after a 401, unless another thread has just done so."""
        return self._token.refresh(lambda token: _header(token) == refused)

    def installation(self) -> str | None:
        """The id of the installation that the token is for, if its source tells; raises Unauthorized if there is no token."""
        return self._token.get().installation

    def expires_at(self) -> float | None:
        """When the token expires, in seconds since the epoch, if that is known; raises Unauthorized if there is no token."""
        return self._token.get().expires_at

    def _on_change(self, old: Token | None, new: Token) -> None:
        """Refuse the token of another installation: decisions that were made with the old one must not be carried out there."""
        if old is None:
            self._on_first(new)
        elif None not in (old.installation, new.installation) and old.installation != new.installation:
            raise Unauthorized("the token was refreshed, and the new one is that of another installation")
        else:
            self._on_refresh()

    def _refreshed_before_expiry(self, token: Token) -> bool:
        """Whether the token expires soon and there is another one. If not, it is used: the server decides, clocks differ."""
        with self._lock:
            now = self._clock()
            if token.expires_at is None or now < max(token.expires_at - _REFRESH_BEFORE_EXPIRY_S, self._next_refresh):
                return False
            self._next_refresh = now + _REFRESH_BEFORE_EXPIRY_S
        try:
            return self._token.refresh(lambda current: current is token)
        except Unauthorized:
            return False

    def __repr__(self) -> str:
        return "BearerToken(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a token is not to be pickled")


def _require_sendable(token: Token) -> Token:
    """The token, unless no header can hold it: the file that it came from may be half written."""
    remember([token.text, token.text.rpartition(" ")[2]])
    problem = scheme_prefix_problem(token.text)
    if problem is not None:
        raise Unauthorized(f"the token {problem}")
    require_sendable([token.text])
    return token


def _header(token: Token) -> dict[str, str]:
    return {"authorization": f"Bearer {token.text}"}


def token_from(read: Callable[[], str]) -> Callable[[], Token]:
    """A function that reads a token as a text; if it is a JWT, it tells when it expires."""

    def obtain() -> Token:
        text = read()
        return Token(text, expiry_of(text))

    return obtain


def claims_of(token: str) -> dict[str, Any] | None:
    """The claims of a JWT; None for anything else."""
    parts = token.split(".")
    if len(parts) != _JWT_PARTS:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def expiry_of(token: str) -> float | None:
    """When a token expires, in seconds since the epoch; None if it does not say.

    A system token is opaque except for ``exp``, which Atlassian tells callers to read:
    https://developer.atlassian.com/platform/forge/remote/calling-product-apis/
    """
    expiry = (claims_of(token) or {}).get("exp")
    if not isinstance(expiry, int | float) or isinstance(expiry, bool):
        return None
    return float(expiry) if 0 <= expiry < TIMESTAMP_MAX else None


def warn_of_expiry(token: Token, notify: Callable[[str], None], now: Callable[[], float] = time.time) -> None:
    """Warn about a token that expires before a long run ends."""
    left = 0.0 if token.expires_at is None else token.expires_at - now()
    if 0 < left < _EXPIRY_WARNING_S:  # an expired one is refused by the server, with a message of its own
        notify(f"the token expires in {left:.0f} s; a longer run obtains it again then")

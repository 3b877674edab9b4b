"""How a request shows who asks.

An :class:`Auth` is asked for its headers for each request, and once more to renew them when the server answers 401.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NoReturn, Protocol

from .errors import Unauthorized
from .protocol import Request

_HEADER_VALUE: Final = re.compile(r"[!-~](?:[ \t!-~]*[!-~])?")  # RFC 9110, section 5.5, without what is not ASCII


class Auth(Protocol):
    """The source of the headers that identify the app's installation. Called by many threads."""

    def headers(self, request: Request) -> Mapping[str, str]:
        """The headers for one request.

        Raises:
            ApiError: There are no credentials to be had.
        """

    def renewed(self, refused: Mapping[str, str]) -> bool:
        """Obtain the credentials once more, after a 401.

        Args:
            refused: The headers that the server did not take.

        Returns:
            Whether there are other headers now, and it is worth while to ask again.

        Raises:
            ApiError: There are no credentials to be had.
        """


class BearerToken:
    """A token, sent as ``Authorization: Bearer …`` (docs:remote/calling-product-apis).

    It is obtained when it is first needed, and again after a 401: by one thread, for all.

    Args:
        obtain: Returns the token of the installed app. The token is shown by nothing and cannot be pickled: it ends up in no
            state and no log.
        on_renewal: Called when another token is used from now on.
    """

    __slots__ = ("_lock", "_obtain", "_on_renewal", "_tokens")

    def __init__(self, obtain: Callable[[], str], on_renewal: Callable[[], None] = lambda: None) -> None:
        self._obtain = obtain
        self._on_renewal = on_renewal
        self._lock = threading.Lock()
        self._tokens: list[str] = []  # all that there were: each has to be redacted

    def headers(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002 - the form of every Auth
        """The header with the token."""
        with self._lock:
            if not self._tokens:
                self._tokens.append(_sendable(self._obtain()))
            return _bearer(self._tokens[-1])

    def renewed(self, refused: Mapping[str, str]) -> bool:
        """Obtain the token once more, unless another thread has just done so."""
        with self._lock:
            if self._tokens and _bearer(self._tokens[-1]) != refused:
                return True
            token = _sendable(self._obtain())
            if self._tokens and token == self._tokens[-1]:
                return False
            self._tokens.append(token)
            self._on_renewal()
            return True

    def secrets(self) -> set[str]:
        """Every token that was obtained, for redaction."""
        return set(self._tokens)

    def __repr__(self) -> str:
        return "BearerToken(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a token is not to be pickled")


def unsendable(values: Iterable[str]) -> Unauthorized | None:
    """Why values cannot be sent in headers; None where they can."""
    if all(_HEADER_VALUE.fullmatch(value) for value in values):
        return None
    return Unauthorized(
        "the token cannot be sent: it is empty, or holds a line break, a space at its end or a character beyond ASCII"
    )


def _sendable(token: str) -> str:
    """One that is not sendable is not kept: the file that it came from may be half written."""
    error = unsendable([token])
    if error is not None:
        raise error
    return token


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}

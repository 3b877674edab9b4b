"""How a request shows who asks.

An :class:`Auth` is asked for its headers for each request, and once more to renew them when the server answers 401.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import NoReturn, Protocol

from .protocol import Request


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
    """

    __slots__ = ("_lock", "_obtain", "_tokens")

    def __init__(self, obtain: Callable[[], str]) -> None:
        self._obtain = obtain
        self._lock = threading.Lock()
        self._tokens: list[str] = []  # all that there were: each has to be redacted

    def headers(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002 - the form of every Auth
        """The header with the token."""
        with self._lock:
            if not self._tokens:
                self._tokens.append(self._obtain())
            return _bearer(self._tokens[-1])

    def renewed(self, refused: Mapping[str, str]) -> bool:
        """Obtain the token once more, unless another thread has just done so."""
        with self._lock:
            if self._tokens and _bearer(self._tokens[-1]) != refused:
                return True
            token = self._obtain()
            if self._tokens and token == self._tokens[-1]:
                return False
            self._tokens.append(token)
            return True

    def secrets(self) -> set[str]:
        """Every token that was obtained, for redaction."""
        return set(self._tokens)

    def __repr__(self) -> str:
        return "BearerToken(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a token is not to be pickled")


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}

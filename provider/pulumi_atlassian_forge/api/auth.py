"""How a request shows who asks.

An :class:`Auth` is asked for its headers once per attempt, so that one that renews its token can do so between two attempts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn, Protocol

from .protocol import Request


class Auth(Protocol):
    """The source of the headers that identify the app's installation. Called by many threads."""

    def headers(self, request: Request) -> Mapping[str, str]:
        """The headers for one request.

        Raises:
            ApiError: There are no credentials to be had.
        """


class BearerToken:
    """A fixed token, sent as ``Authorization: Bearer …`` (docs:remote/calling-product-apis).

    Args:
        token: The token of the installed app. It is shown by nothing and cannot be pickled: it ends up in no state and no log.
    """

    __slots__ = ("_token",)

    def __init__(self, token: str) -> None:
        self._token = token

    def headers(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002 - the form of every Auth
        """The header with the token."""
        return {"authorization": f"Bearer {self._token}"}

    def __repr__(self) -> str:
        return "BearerToken(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a token is not to be pickled")

"""Credentials as HTTP headers: the protocol that the client calls for each request, and once more after a 401."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from .errors import Unauthorized
from .request_response import Request

_HEADER_VALUE: Final = re.compile(r"[!-~](?:[ \t!-~]*[!-~])?")  # RFC 9110, section 5.5, limited to ASCII


class Auth(Protocol):
    """Source of the headers with the credentials. Called by many threads."""

    def headers(self, request: Request) -> Mapping[str, str]:
        """The headers for one request.

        Raises:
            ApiError: There are no credentials.
        """

    def refreshed(self, refused: Mapping[str, str]) -> bool:
        """Refresh the credentials, after a 401.

        Args:
            refused: The headers that the server refused.

        Returns:
            Whether the headers are different now, so that a retry may help.

        Raises:
            ApiError: There are no credentials.
        """


class FixedHeaders:
    """The same headers for each request; they hold no secret.

    Args:
        values: The headers; empty for the emulator in this process, which needs no credentials.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def headers(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002 - the protocol's form
        """These headers."""
        return self._values

    def refreshed(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - the protocol's form
        """False: they never change."""
        return False


def require_sendable(values: Iterable[str]) -> None:
    """Verify that headers can hold these values.

    Raises:
        Unauthorized: They cannot.
    """
    if not all(_HEADER_VALUE.fullmatch(value) for value in values):
        raise Unauthorized(
            "the token cannot be sent: it is empty, or holds a line break, a space at its end or a character beyond ASCII"
        )

"""How a request shows who asks.

An :class:`Auth` is asked for its headers for each request, and once more to renew them when the server answers 401.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from .errors import Unauthorized
from .request_response import Request

_HEADER_VALUE: Final = re.compile(r"[!-~](?:[ \t!-~]*[!-~])?")  # RFC 9110, section 5.5, without what is not ASCII


class Auth(Protocol):
    """The source of the headers that identify the app's installation. Called by many threads."""

    def headers(self, request: Request) -> Mapping[str, str]:
        """The headers for one request.

        Raises:
            ApiError: There are no credentials to be had.
        """

    def refreshed(self, refused: Mapping[str, str]) -> bool:
        """Obtain the credentials once more, after a 401.

        Args:
            refused: The headers that the server did not take.

        Returns:
            Whether there are other headers now, and it is worth while to ask again.

        Raises:
            ApiError: There are no credentials to be had.
        """


class FixedHeaders:
    """The same headers for each request, which hold no secret.

    Args:
        values: The headers; none on the emulator in this process, which takes a request for one of the named installation.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def headers(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002 - the form of every Auth
        """These headers."""
        return self._values

    def refreshed(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - the form of every Auth
        """There are no others."""
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

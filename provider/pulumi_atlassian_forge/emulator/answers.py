"""What the emulator says: an answer, and a refusal on the way to one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

UNAUTHORIZED: Final = "Authorization failed"
INTERNAL: Final = "An internal error occurred"
_TYPES: Final = {
    400: "BadRequestError",
    401: "AuthorizationError",
    404: "NotFoundError",
    405: "MethodNotAllowedError",
    422: "ValidationError",
    429: "RateLimitError",
    500: "InternalError",
}
"""The names of 401 and 500 are a sibling API's, the others are made after them."""


@dataclass(frozen=True, slots=True)
class EmulatorAnswer:
    """An answer.

    Attributes:
        status: The HTTP status.
        headers: Its headers, names in lower case.
        body: Its body.
        lost: Whether it must not reach the client: the connection is to be cut (row 28).
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    lost: bool = False


class Refusal(Exception):  # noqa: N818 - it is an answer, not a failure of the emulator
    """The request is not served.

    Args:
        status: The HTTP status.
        message: Why.
        headers: Further headers.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})

    def answer(self, *, typed: bool) -> EmulatorAnswer:
        """The answer that says so.

        Args:
            typed: Whether it has the form of the sibling API (row 30).
        """
        body: dict[str, Any] = {"message": self.message}
        if typed:
            body = {"type": _TYPES[self.status], "code": self.status, **body}
        return json_answer(self.status, body, self.headers)


def json_answer(status: int, value: Any, headers: Mapping[str, str] | None = None) -> EmulatorAnswer:
    """An answer with a JSON body.

    Args:
        status: The HTTP status.
        value: The body.
        headers: Further headers.
    """
    body = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return EmulatorAnswer(status, {"content-type": "application/json", **(headers or {})}, body)

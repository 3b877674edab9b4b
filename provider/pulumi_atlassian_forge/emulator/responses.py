"""What the emulator says: a response, and a refusal on the way to one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Literal

UNAUTHORIZED: Final = "Authorization failed"
INTERNAL: Final = "An internal error occurred"
_TYPES: Final = {401: "AuthorizationError", 422: "ValidationError", 429: "RateLimitError", 500: "InternalError"}
"""The names of 401 and 500 are a sibling API's, the others are made after them. What is not here is named after its phrase."""


@dataclass(frozen=True, slots=True)
class EmulatorAnswer:
    """A response.

    Attributes:
        status: The HTTP status.
        headers: Its headers, names in lower case.
        body: Its body.
        arrives: How much of it reaches the client before the connection is closed: all of it, the head with half of the body, or
            nothing (row 28).
        after: How many seconds later than it could.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    arrives: Literal["whole", "half", "never"] = "whole"
    after: float = 0.0

    @property
    def half(self) -> bytes:
        """The half of the body, rounded down."""
        return self.body[: len(self.body) // 2]


class Refusal(Exception):  # noqa: N818 - it is a response, not a failure of the emulator
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

    def response(self, *, typed: bool) -> EmulatorAnswer:
        """The response that says so.

        Args:
            typed: Whether it has the form of the sibling API (row 30).
        """
        body: dict[str, Any] = {"message": self.message}
        if typed:
            body = {"type": _type_of(self.status), "code": self.status, **body}
        return json_answer(self.status, body, self.headers)


def json_answer(status: int, value: Any, headers: Mapping[str, str] | None = None) -> EmulatorAnswer:
    """A response with a JSON body.

    Args:
        status: The HTTP status.
        value: The body.
        headers: Further headers.
    """
    body = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return EmulatorAnswer(status, {"content-type": "application/json", **(headers or {})}, body)


def message_of(status: int) -> str:
    """What an error says that has nothing else to say."""
    return {401: UNAUTHORIZED, 500: INTERNAL}.get(status) or phrase_of(status)


def phrase_of(status: int) -> str:
    """The name of a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown Status"


def _type_of(status: int) -> str:
    return _TYPES.get(status) or re.sub("[^A-Za-z]", "", phrase_of(status)) + "Error"

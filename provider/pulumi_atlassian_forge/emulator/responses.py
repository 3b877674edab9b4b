"""The responses of the emulator, and the exception that becomes an error response."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Literal

from pulumi_atlassian_forge.model.content import canonical_json

UNAUTHORIZED: Final = "Authorization failed"
INTERNAL: Final = "An internal error occurred"
_TYPES: Final = {401: "AuthorizationError", 422: "ValidationError", 429: "RateLimitError", 500: "InternalError"}
"""Error types: those of 401 and 500 are a sibling API's, the others follow them. Any other status is named after its phrase."""


@dataclass(frozen=True, slots=True)
class EmulatorResponse:
    """A response."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""
    arrives: Literal["whole", "half", "never"] = "whole"  # half of the body, or nothing: then the connection is closed (A28)
    delay_s: float = 0.0  # by how many seconds it is delayed

    @property
    def half(self) -> bytes:
        """The half of the body, rounded down."""
        return self.body[: len(self.body) // 2]


class Refusal(Exception):  # noqa: N818 - it becomes a response
    """The request is refused with an error response."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})

    def response(self, *, typed: bool) -> EmulatorResponse:
        """The error response; ``typed``: in the form of the sibling API (A30)."""
        body: dict[str, Any] = {"message": self.message}
        if typed:
            body = {"type": _type_of(self.status), "code": self.status, **body}
        return json_response(self.status, body, self.headers)


def json_response(status: int, value: Any, headers: Mapping[str, str] | None = None) -> EmulatorResponse:
    """A response with a JSON body."""
    return text_response(status, canonical_json(value), headers)


def text_response(status: int, text: str, headers: Mapping[str, str] | None = None) -> EmulatorResponse:
    """A response with a body that is JSON text already."""
    return EmulatorResponse(status, {"content-type": "application/json", **(headers or {})}, text.encode())


def message_of(status: int) -> str:
    """The message of an error that has no message of its own."""
    return {401: UNAUTHORIZED, 500: INTERNAL}.get(status) or phrase_of(status)


def phrase_of(status: int) -> str:
    """The reason phrase of a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown Status"


def _type_of(status: int) -> str:
    return _TYPES.get(status) or re.sub("[^A-Za-z]", "", phrase_of(status)) + "Error"

"""HTTP request and response as plain values, independent of the authentication method and of the HTTP library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Method = Literal["GET", "POST", "PUT", "DELETE"]


@dataclass(frozen=True, slots=True)
class Request:
    """One request, relative to the base URL. Its ``repr`` does not show the body, which may hold a secret."""

    method: Method
    target: str  # path and query, percent-encoded
    body: bytes | None = field(default=None, repr=False)
    needs_new_connection: bool = field(default=False, compare=False, repr=False)  # not one of the pool's idle ones

    @property
    def is_idempotent(self) -> bool:
        """Whether sending it twice has the effect of sending it once (RFC 9110, section 9.2.2)."""
        return self.method != "POST"


@dataclass(frozen=True, slots=True)
class Response:
    """One response: header names in lower case, the body decompressed."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    secrets: frozenset[str] = field(default=frozenset(), repr=False)  # the credentials of its request, to be redacted

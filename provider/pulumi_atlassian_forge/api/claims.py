"""What a JWT says of itself (RFC 7519). It is read and not trusted: whether it is taken is the server's business."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Final

_PARTS: Final = 3
NEVER: Final = 1e12
"""Seconds since the epoch that are no date, or one in milliseconds."""


def claims_of(token: str) -> dict[str, Any] | None:
    """The claims of a JWT; None for anything else."""
    parts = token.split(".")
    if len(parts) != _PARTS:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def end_of(token: str) -> float | None:
    """When a token ends, in seconds since the epoch; None where it does not say.

    A system token is opaque but for ``exp``, which the documents tell callers to read (docs:remote/calling-product-apis).
    """
    end = (claims_of(token) or {}).get("exp")
    return float(end) if isinstance(end, int | float) and not isinstance(end, bool) and 0 <= end < NEVER else None

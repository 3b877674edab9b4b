"""What a token says of itself. It is read and not trusted: whether it is taken is the server's business."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Final

from .checkup import Check, duration, fail, ok, warn

NAME: Final = "token"

_HOUR: Final = 3600.0
_LONGEST: Final = 4 * _HOUR + 300  # what a system token lives at most (docs:remote/calling-product-apis), and some for the clocks
_NEVER: Final = 1e12  # no date, or one in milliseconds
_PARTS: Final = 3
_RENEW: Final = "renew it: docs/guide/real-installation.md says where a fresh one comes from"
_RIGHT_KIND: Final = "use the app's system token, which a Forge remote finds in the header x-forge-oauth-system"
_INVOCATION: Final = "forge/invocation-token"


def judged(token: str, source: str, now: float) -> Check:
    """Whether a token is of the right kind, and how long it lives. Nothing of it is repeated but times.

    Args:
        token: The token.
        source: The setting that it comes from.
        now: Seconds since the epoch, by the server's clock where it is known.
    """
    where = f"from {source}"
    claims = _claims(token) or {}
    if token.startswith("ATATT"):
        return warn(NAME, f"{where}: it looks like an API token of a person's", _RIGHT_KIND)
    if claims.get("iss") == _INVOCATION:
        return fail(NAME, f"{where}: it is the invocation token that came with a call, and not the system token", _RIGHT_KIND)
    end = claims.get("exp")
    if isinstance(end, bool) or not isinstance(end, int | float) or not 0 <= end < _NEVER:
        return ok(NAME, f"{where}; it does not say when it ends")
    return _lives(where, end - now)


def _lives(where: str, left: float) -> Check:
    if left <= 0:
        return fail(NAME, f"{where}; it ended {duration(abs(left))} ago", _RENEW)
    if left < _HOUR:
        return warn(NAME, f"{where}; it ends in {duration(left)}", f"{_RENEW}; a long run may outlive it")
    if left > _LONGEST:
        return warn(NAME, f"{where}; it ends in {duration(left)}, and a system token lives at most 4 hours", _RIGHT_KIND)
    return ok(NAME, f"{where}; it ends in {duration(left)}")


def _claims(token: str) -> dict[str, Any] | None:
    """What a JWT says; None for anything else."""
    parts = token.split(".")
    if len(parts) != _PARTS:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None

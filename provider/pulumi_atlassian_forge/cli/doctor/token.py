"""Checks the token: its kind and its expiry, as the token or its source says. Only the server knows whether it is valid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pulumi_atlassian_forge.auth.bearer_token import claims_of
from pulumi_atlassian_forge.config.settings import AuthMethodName

from .result import Check, duration, fail, ok, warn

NAME: Final = "token"

_TOKEN_METHODS: Final = ("token", "tokenFile", "tokenCommand")
_NOT_NEEDED: Final[Mapping[AuthMethodName | None, str]] = {
    None: "the emulator needs none",
    "relayUrl": "none on this side: the relay authenticates as the app, and each request to it is signed ({source})",
    "containerProxy": "none on this side: the sidecar of the container authenticates as the app ({source})",
}
_HOUR_S: Final = 3600.0
_MAX_LIFETIME_S: Final = 4 * _HOUR_S + 300  # of a system token, with a tolerance for the clocks
_REFRESH: Final = "refresh it: docs/guide/real-installation.md explains how to get a new one"
_SYSTEM_TOKEN: Final = "use the app's system token, which a Forge remote finds in the header x-forge-oauth-system"  # noqa: S105
_INVOCATION_ISSUER: Final = "forge/invocation-token"


def check_token(
    auth_method: AuthMethodName | None, headers: Mapping[str, str], expires_at: float | None, source: str, now: float
) -> Check:
    """Check the kind of the token in the headers and when it expires. The text names its source, and never holds the token."""
    if auth_method not in _TOKEN_METHODS:
        return ok(NAME, _NOT_NEEDED[auth_method].format(source=source))
    token = headers.get("authorization", "").removeprefix("Bearer ")
    if token.startswith("ATATT"):
        return warn(NAME, f"from {source}: it looks like a personal API token", _SYSTEM_TOKEN)
    if (claims_of(token) or {}).get("iss") == _INVOCATION_ISSUER:
        text = f"from {source}: it is the invocation token that came with a call, and not the system token"
        return fail(NAME, text, _SYSTEM_TOKEN)
    if expires_at is None:
        return ok(NAME, f"from {source}; its expiry is unknown")
    return _expiry(source, expires_at - now)


def _expiry(source: str, left: float) -> Check:
    if left <= 0:
        return fail(NAME, f"from {source}; it expired {duration(abs(left))} ago", _REFRESH)
    text = f"from {source}; it expires in {duration(left)}"
    if left < _HOUR_S:
        return warn(NAME, text, f"{_REFRESH}; a long run may take longer")
    if left > _MAX_LIFETIME_S:
        return warn(NAME, f"{text}, and a system token is valid for 4 hours at most", _SYSTEM_TOKEN)
    return ok(NAME, text)

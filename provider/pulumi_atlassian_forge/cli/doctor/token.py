"""What a token says of itself. It is read and not trusted: whether it is taken is the server's business."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pulumi_atlassian_forge.auth.bearer_token import claims_of
from pulumi_atlassian_forge.config.settings import AuthMethodName

from .result import Check, duration, fail, ok, warn

NAME: Final = "token"

TOKENS: Final = ("token", "tokenFile", "tokenCommand")
"""The authentication methods on which this side holds a token."""

_NOT_NEEDED: Final[Mapping[AuthMethodName | None, str]] = {
    None: "the emulator needs none",
    "relayUrl": "none on this side: the relay asks as the app, and each request to it is signed ({source})",
    "containerProxy": "none on this side: the sidecar of the container asks as the app ({source})",
}
_HOUR: Final = 3600.0
_LONGEST: Final = 4 * _HOUR + 300  # what a system token lives at most (docs:remote/calling-product-apis), and some for the clocks
_RENEW: Final = "renew it: docs/guide/real-installation.md says where a fresh one comes from"
_RIGHT_KIND: Final = "use the app's system token, which a Forge remote finds in the header x-forge-oauth-system"
_INVOCATION: Final = "forge/invocation-token"


def judged(auth_method: AuthMethodName | None, headers: Mapping[str, str], end: float | None, source: str, now: float) -> Check:
    """What shows who asks: of a token whether it is of the right kind, and how long it lives. Only times are repeated.

    Args:
        auth_method: The setting that leads to the installation.
        headers: What a request over it is sent with.
        end: When the token ends, as it or its source says, in seconds since the epoch.
        source: The setting that opens it.
        now: Seconds since the epoch, by the server's clock where it is known.
    """
    where = f"from {source}"
    if auth_method not in TOKENS:
        return ok(NAME, _NOT_NEEDED[auth_method].format(source=source))
    token = headers.get("authorization", "").removeprefix("Bearer ")
    if token.startswith("ATATT"):
        return warn(NAME, f"{where}: it looks like an API token of a person's", _RIGHT_KIND)
    if (claims_of(token) or {}).get("iss") == _INVOCATION:
        return fail(NAME, f"{where}: it is the invocation token that came with a call, and not the system token", _RIGHT_KIND)
    if end is None:
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

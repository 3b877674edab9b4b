"""What Forge brings: an invocation token (FIT) that says for whom, and the system token itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from .policy import FIT_ISSUER, Forge
from .tokens import Refused, Verifier, unverified

LONGEST_LIFE: Final = 4 * 3600 + 300
"""Seconds: a system token lives at most four hours (Forge documentation), and clocks differ."""


@dataclass(frozen=True)
class Invocation:
    """A call that Forge vouches for.

    Attributes:
        installation: The ARI of the installation.
        module: Key of the module that Forge called us for.
        mark: A digest of what Forge signed: the same for a repeated call. Not of the signature, which can be spelt in many ways.
        expires_at: When the invocation token ends, in seconds since 1970.
    """

    installation: str
    module: str
    mark: str
    expires_at: float


class Invocations:
    """Checks the calls of one app."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._verifier = Verifier(FIT_ISSUER, forge.app_id, forge.jwks_url)

    def verify(self, fit: str) -> Invocation:
        """Check an invocation token.

        Raises:
            Refused: It does not hold, is another app's, or was not made for one of our triggers.
            KeysUnavailable: Forge's keys cannot be read.
        """
        claims = self._verifier.verify(fit)
        app = claims.get("app")
        if not isinstance(app, dict) or app.get("id") != self._forge.app_id:
            raise Refused("of another app")
        # The app's pages run in browsers, and what they call with carries an invocation token as well: so a user of the site
        # holds one, and could bring us a system token of their own choice.
        if claims.get("principal"):
            raise Refused("made for a user, not for a trigger")
        module = app.get("module")
        key = module.get("key") if isinstance(module, dict) else None
        if key not in self._forge.modules:
            raise Refused("made for a module that is not in forge.modules of the policy")
        installation = app.get("installationId")
        if not isinstance(installation, str) or not installation:
            raise Refused("without an installation")
        mark = hashlib.sha256(fit.rpartition(".")[0].encode()).hexdigest()
        return Invocation(installation, str(key), mark, float(claims["exp"]))


def expiry_of(system_token: str, now: float) -> float:
    """When a system token ends, in seconds since 1970.

    It is opaque but for `exp`, and there is no key to check it with: the invocation token vouches for it.

    Raises:
        Refused: It does not say, is over, or lives longer than Forge's do.
    """
    end: Any = unverified(system_token).get("exp")
    if isinstance(end, bool) or not isinstance(end, int | float):
        raise Refused("without the claim exp")
    if not now < end <= now + LONGEST_LIFE:
        raise Refused("expired" if end <= now else "said to live for more than four hours")
    return float(end)

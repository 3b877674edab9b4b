"""Verification of deliveries by Forge: the Forge invocation token (FIT) and the expiry of the system token."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from .policy import FIT_ISSUER, Forge
from .tokens import TokenRejectedError, Verifier, unverified_claims

MAX_LIFETIME_S: Final = 4 * 3600 + 300
"""A system token is valid for at most four hours (Forge documentation), and clocks differ."""


@dataclass(frozen=True)
class Invocation:
    """A verified call by Forge.

    Attributes:
        installation: The ARI of the installation.
        module: Key of the module that the call is made for.
        digest: A digest of the signed content, the same for a replayed call. The signature is left out: it is malleable.
        expires_at: When the invocation token expires, in seconds since 1970.
    """

    installation: str
    module: str
    digest: str
    expires_at: float


class InvocationVerifier:
    """Verifies the calls of one app."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._verifier = Verifier(FIT_ISSUER, forge.app_id, forge.jwks_url)

    def verify(self, fit: str) -> Invocation:
        """Verify an invocation token.

        Raises:
            TokenRejectedError: The token is not valid, is for another app, or was not made for a trigger of the policy.
            KeysUnavailableError: Forge's keys cannot be read.
        """
        claims = self._verifier.verify(fit)
        app = claims.get("app")
        if not isinstance(app, dict) or app.get("id") != self._forge.app_id:
            raise TokenRejectedError("of another app")
        # The app's pages run in browsers, and their calls to the remote carry an invocation token, too. So a user of the site can
        # get one, and could deliver a system token of their own choice. Such a token has a principal.
        if claims.get("principal"):
            raise TokenRejectedError("made for a user, not for a trigger")
        module = app.get("module")
        key = module.get("key") if isinstance(module, dict) else None
        if key not in self._forge.modules:
            raise TokenRejectedError("made for a module that is not in forge.modules of the policy")
        installation = app.get("installationId")
        if not isinstance(installation, str) or not installation:
            raise TokenRejectedError("without an installation")
        digest = hashlib.sha256(fit.rpartition(".")[0].encode()).hexdigest()
        return Invocation(installation, str(key), digest, float(claims["exp"]))


def expiry_of(system_token: str, now: float) -> float:
    """When a system token expires, in seconds since 1970.

    Only `exp` is documented, and there is no public key for the signature: the verified invocation token vouches for it.

    Raises:
        TokenRejectedError: `exp` is missing, in the past, or later than Forge allows.
    """
    expires_at: Any = unverified_claims(system_token).get("exp")
    if isinstance(expires_at, bool) or not isinstance(expires_at, int | float):
        raise TokenRejectedError("without the claim exp")
    if not now < expires_at <= now + MAX_LIFETIME_S:
        raise TokenRejectedError("expired" if expires_at <= now else "valid for more than four hours")
    return float(expires_at)

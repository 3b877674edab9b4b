"""Verification of JSON Web Tokens, with PyJWT and keys from the issuer's JWKS. No other file checks a signature."""

from __future__ import annotations

from typing import Any, Final

import jwt

ALGORITHMS: Final = ("RS256", "ES256")
"""Asymmetric algorithms only: with HS256 in the list a public key could be used as a shared secret (RFC 8725, section 2.1)."""

LEEWAY_S: Final = 10.0
"""Allowed clock skew. A Forge invocation token is valid for 25 seconds."""

_JWKS_TIMEOUT_S: Final = 3.0  # Forge stops waiting for a remote after 5 seconds
_MAX_TOKEN_CHARACTERS: Final = 16 * 1024
_UNAVAILABLE: Final = "the issuer's keys cannot be read"


class TokenRejectedError(Exception):
    """A token is not valid. The message gives the reason and contains no part of the token."""


class KeysUnavailableError(Exception):
    """The issuer's keys cannot be read, so the token cannot be verified. The caller may retry."""


class Verifier:
    """Verifies the tokens of one issuer for one audience. Safe for threads.

    Args:
        issuer: The exact value of `iss`.
        audience: The only allowed value of `aud`. Another service for which a token is also valid could replay it here.
        jwks_url: Where the issuer publishes its keys. The addresses in a token (`jku`, `x5u`) are ignored.
    """

    def __init__(self, issuer: str, audience: str, jwks_url: str) -> None:
        self._issuer = issuer
        self._audience = audience
        # An unknown key id makes the client read the set again, at most every 30 seconds.
        self._keys = jwt.PyJWKClient(jwks_url, timeout=_JWKS_TIMEOUT_S, lifespan=300, cooldown_duration=30)

    def verify(self, token: str, *, require: tuple[str, ...] = ()) -> dict[str, Any]:
        """Verify signature, algorithm, issuer, audience and times.

        Args:
            token: The token.
            require: Claims that have to be present, besides `exp`, `iat`, `iss` and `aud`.

        Returns:
            The claims.

        Raises:
            TokenRejectedError: The token is not valid.
            KeysUnavailableError: The issuer's keys cannot be read.
        """
        _require_jwt_form(token)
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key(token),
                algorithms=list(ALGORITHMS),
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "iss", "aud", *require], "enforce_minimum_key_length": True},
            )
        except jwt.PyJWTError as error:
            raise TokenRejectedError(_reason(error)) from None
        if claims["aud"] not in (self._audience, [self._audience]):
            raise TokenRejectedError("meant for other audiences, too")
        return claims

    def _key(self, token: str) -> jwt.PyJWK:
        try:
            self._keys.get_jwk_set()
        except (jwt.PyJWTError, ValueError, OSError):  # unreachable, interrupted, no JSON, or no keys
            raise KeysUnavailableError(_UNAVAILABLE) from None
        try:
            return self._keys.get_signing_key_from_jwt(token)
        except (jwt.PyJWKClientConnectionError, jwt.PyJWKSetError, ValueError, OSError):  # the second read, for an unknown key id
            raise KeysUnavailableError(_UNAVAILABLE) from None
        except jwt.PyJWKClientError:
            raise TokenRejectedError("signed with a key that the issuer does not publish") from None


def unverified_claims(token: str) -> dict[str, Any]:
    """Decode claims without verification: to select a verifier, or for a token that has no public key.

    Raises:
        TokenRejectedError: It is not a token.
    """
    _require_jwt_form(token)
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError as error:
        raise TokenRejectedError(_reason(error)) from None
    return claims


def _require_jwt_form(token: str) -> None:
    if len(token) > _MAX_TOKEN_CHARACTERS or not token.isascii() or token.count(".") != 2:  # noqa: PLR2004 - header, claims, signature
        raise TokenRejectedError("not a signed JSON Web Token")


_REASONS: Final[tuple[tuple[type[jwt.PyJWTError], str], ...]] = (
    (jwt.ExpiredSignatureError, "expired"),
    (jwt.ImmatureSignatureError, "not valid yet: the clocks differ"),
    (jwt.InvalidAudienceError, "meant for another audience"),
    (jwt.InvalidIssuerError, "of another issuer"),
    (jwt.InvalidAlgorithmError, "signed with an algorithm that is not allowed"),
    (jwt.InvalidSignatureError, "not signed with the issuer's key"),
)


def _reason(error: jwt.PyJWTError) -> str:
    """The reason in words of our own: the library's message may quote the token."""
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"without the claim {error.claim}"
    return next((text for kind, text in _REASONS if isinstance(error, kind)), "not a signed JSON Web Token")

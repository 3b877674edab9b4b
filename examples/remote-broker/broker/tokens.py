"""JSON Web Tokens: the one place where a signature is checked, with PyJWT and keys from the issuer's JWKS."""

from __future__ import annotations

from typing import Any, Final

import jwt

ALGORITHMS: Final = ("RS256", "ES256")
"""Asymmetric ones only: with HS256 on the list a public key could be taken for a shared secret (RFC 8725, 2.1)."""

LEEWAY: Final = 10.0
"""Seconds that two clocks may differ. A Forge invocation token lives for 25."""

_JWKS_TIMEOUT: Final = 3.0  # Forge gives up on a remote after 5 seconds
_LONGEST: Final = 16 * 1024
_UNAVAILABLE: Final = "the issuer's keys cannot be read"


class Refused(Exception):  # noqa: N818 - named for what it means
    """A token that proves nothing. The text says why and holds no part of the token."""


class KeysUnavailable(Exception):  # noqa: N818
    """The issuer's keys cannot be read, so nothing is known of the token. Worth another try."""


class Verifier:
    """Checks the tokens of one issuer for one audience. Safe for threads.

    Args:
        issuer: What `iss` has to be, exactly.
        audience: What `aud` has to be: this one and no other. Whoever else a token is for could send it on to us.
        jwks_url: Where the issuer publishes its keys. The addresses that a token names (`jku`, `x5u`) are never read.
    """

    def __init__(self, issuer: str, audience: str, jwks_url: str) -> None:
        self._issuer = issuer
        self._audience = audience
        # A key that the set does not hold has it read again, at most every 30 seconds.
        self._keys = jwt.PyJWKClient(jwks_url, timeout=_JWKS_TIMEOUT, lifespan=300, cooldown_duration=30)

    def verify(self, token: str, *, require: tuple[str, ...] = ()) -> dict[str, Any]:
        """Check signature, algorithm, issuer, audience and times.

        Args:
            token: The token.
            require: Claims that have to be there, beside `exp`, `iat`, `iss` and `aud`.

        Returns:
            The claims.

        Raises:
            Refused: The token does not hold.
            KeysUnavailable: The issuer's keys cannot be read.
        """
        _parts(token)
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key(token),
                algorithms=list(ALGORITHMS),
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "iss", "aud", *require], "enforce_minimum_key_length": True},
            )
        except jwt.PyJWTError as error:
            raise Refused(_reason(error)) from None
        if claims["aud"] not in (self._audience, [self._audience]):
            raise Refused("meant for other audiences, too")
        return claims

    def _key(self, token: str) -> jwt.PyJWK:
        try:
            self._keys.get_jwk_set()
        except (jwt.PyJWTError, ValueError, OSError):  # not reached, interrupted half-way, no JSON, no keys in it
            raise KeysUnavailable(_UNAVAILABLE) from None
        try:
            return self._keys.get_signing_key_from_jwt(token)
        except (jwt.PyJWKClientConnectionError, jwt.PyJWKSetError, ValueError, OSError):  # read again for an unknown key
            raise KeysUnavailable(_UNAVAILABLE) from None
        except jwt.PyJWKClientError:
            raise Refused("signed with a key that the issuer does not publish") from None


def unverified(token: str) -> dict[str, Any]:
    """Read claims without a check: for choosing who has to check them, and for a token that is not for us to check.

    Raises:
        Refused: It is no token.
    """
    _parts(token)
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError as error:
        raise Refused(_reason(error)) from None
    return claims


def _parts(token: str) -> None:
    if len(token) > _LONGEST or not token.isascii() or token.count(".") != 2:  # noqa: PLR2004 - header, claims, signature
        raise Refused("not a signed JSON Web Token")


_REASONS: Final[tuple[tuple[type[jwt.PyJWTError], str], ...]] = (
    (jwt.ExpiredSignatureError, "expired"),
    (jwt.ImmatureSignatureError, "not valid yet: the clocks differ"),
    (jwt.InvalidAudienceError, "meant for another audience"),
    (jwt.InvalidIssuerError, "of another issuer"),
    (jwt.InvalidAlgorithmError, "signed with an algorithm that is not allowed"),
    (jwt.InvalidSignatureError, "not signed with the issuer's key"),
)


def _reason(error: jwt.PyJWTError) -> str:
    """Our own words: the library's may quote the token."""
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"without the claim {error.claim}"
    return next((text for kind, text in _REASONS if isinstance(error, kind)), "not a signed JSON Web Token")

"""Who asks for a token: an identity that the CI signed, or a client certificate. And whether a policy admits them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .policy import Installation, Policy, Rule
from .tokens import Refused, unverified

_AUDITED: Final = (
    *("repository", "repository_id", "ref", "event_name", "environment", "run_id", "run_attempt", "actor"),
    *("workspaceUuid", "repositoryUuid", "pipelineUuid", "stepUuid", "branchName", "deploymentEnvironmentUuid"),
)


@dataclass(frozen=True)
class Identity:
    """Somebody who has proved who they are.

    Attributes:
        issuer: Name of the issuer in the policy; empty for a certificate.
        claims: What the issuer says of them.
        names: URIs and DNS names of the certificate.
    """

    issuer: str = ""
    claims: Mapping[str, Any] = field(default_factory=dict)
    names: frozenset[str] = frozenset()

    def described(self) -> dict[str, str]:
        """Who it was, for the log."""
        if self.names:
            return {"certificate": " ".join(sorted(self.names))}
        known = {name: str(self.claims[name]) for name in _AUDITED if name in self.claims}
        return {"issuer": self.issuer, "subject": str(self.claims["sub"]), **known}

    def may_fetch(self, installation: Installation) -> bool:
        """Whether a rule of the installation admits them."""
        return any(self._fits(rule) for rule in installation.allow)

    def _fits(self, rule: Rule) -> bool:
        if rule.certificate:
            return not self.names.isdisjoint(rule.certificate)
        return rule.issuer == self.issuer and all(self.claims.get(name) in values for name, values in rule.claims.items())


class Identities:
    """Checks the identities of all issuers of a policy."""

    def __init__(self, policy: Policy) -> None:
        self._by_issuer = {issuer.issuer: (name, policy.verifier(name)) for name, issuer in policy.issuers.items()}

    def verify(self, token: str) -> Identity:
        """Check an identity token.

        Raises:
            Refused: It does not hold.
            KeysUnavailable: The issuer's keys cannot be read.
        """
        issuer = unverified(token).get("iss")  # only chooses who checks; the check compares it again
        if not isinstance(issuer, str) or issuer not in self._by_issuer:
            raise Refused("of another issuer")
        name, verifier = self._by_issuer[issuer]
        return Identity(name, verifier.verify(token, require=("sub",)))


def certified(certificate: Mapping[str, Any] | None) -> Identity:
    """The identity in a client certificate that the TLS handshake has verified, in the form of `SSLSocket.getpeercert`.

    Raises:
        Refused: There is none, or it has no name that a rule could hold.
    """
    found = (certificate or {}).get("subjectAltName", ())
    names = frozenset(str(value) for kind, value in found if kind in ("URI", "DNS"))
    if not names:
        raise Refused("no client certificate with a URI or DNS name in subjectAltName")
    return Identity(names=names)
